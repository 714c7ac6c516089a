// Symbol sets: an upload in its three steps, and what is seen of it.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { data, type Place, type Schemas } from "./common.mjs";

const ROOT = "/api/environments/{environment_id}/error_tracking/symbol_sets/";
const ONE = `${ROOT}{id}/` as const;
const CHECK = `${ROOT}bulk_check_upload/` as const;
const START = `${ROOT}bulk_start_upload/` as const;
const FINISH = `${ROOT}bulk_finish_upload/` as const;
const DELETE = `${ROOT}bulk_delete/` as const;
const DOWNLOAD = `${ONE}download/` as const;

const DATA = "minified and map";
const HASH = createHash("sha512").update(DATA).digest("hex");

/** Begin, send and finish; return the id of the set. */
async function upload(here: Place, item: Schemas["ErrorTrackingSymbolSetUploadItem"]): Promise<string> {
  const params = { path: { environment_id: here.project } };
  const body = { symbol_sets: [item], force: false, skip_on_conflict: false };
  const started = data(await here.api.POST(START, { params, body })).id_map[item.chunk_id];
  assert(started);
  const form = new FormData();
  for (const [name, value] of Object.entries(started.presigned_url.fields)) form.append(name, value);
  form.append("file", new Blob([DATA]), "file");
  assert((await fetch(started.presigned_url.url, { method: "POST", body: form })).ok);
  const finish = { content_hashes: { [started.symbol_set_id]: HASH } };
  assert.equal(data(await here.api.POST(FINISH, { params, body: finish })).success, true);
  return started.symbol_set_id;
}

/** Upload a set, find and fetch it, and delete it. */
export async function walk(here: Place): Promise<void> {
  const path = { environment_id: here.project };
  const item = { chunk_id: "chunk-new", release_id: here.release, content_hash: HASH };
  const asked = { symbol_sets: [item], force: false, skip_on_conflict: false };
  const missing = async () => data(await here.api.POST(CHECK, { params: { path }, body: asked })).chunk_ids_to_upload;
  assert.deepEqual(await missing(), ["chunk-new"]);
  const id = await upload(here, item);
  assert.deepEqual(await missing(), []);
  const row = data(await here.api.GET(ONE, { params: { path: { ...path, id } } }));
  assert.deepEqual([row.ref, row.has_uploaded_file, row.failure_reason], ["chunk-new", true, null]);
  assert.equal(row.release?.id, here.release);
  const query = { search: "new", status: "valid", order_by: "-created_at" } as const;
  assert.deepEqual(data(await here.api.GET(ROOT, { params: { path, query } })).results, [row]);
  const found = data(await here.api.GET(DOWNLOAD, { params: { path: { ...path, id } } }));
  assert.equal(await (await fetch(found.url)).text(), DATA);
  assert.equal(data(await here.api.POST(DELETE, { params: { path }, body: { ids: [id] } })).deleted, 1);
}
