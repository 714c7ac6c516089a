// The four operations of stack frames.

import assert from "node:assert/strict";
import { data, empty, type Place, type Schemas } from "./common.mjs";

const LIST = "/api/environments/{environment_id}/error_tracking/stack_frames/";
const ONE = "/api/environments/{environment_id}/error_tracking/stack_frames/{id}/";
const BATCH = "/api/environments/{environment_id}/error_tracking/stack_frames/batch_get/";

async function batch(here: Place, body: Schemas["ErrorTrackingStackFrameBatchGetRequest"]): Promise<string[]> {
  const answer = await here.api.POST(BATCH, { params: { path: { environment_id: here.project } }, body });
  return data(answer).results.map((frame) => frame.raw_id).sort();
}

/** Read, and be told that a frame is never deleted. */
export async function walk(here: Place): Promise<void> {
  const page = data(await here.api.GET(LIST, { params: { path: { environment_id: here.project } } }));
  assert.deepEqual(page.results.map((frame) => frame.id), here.frames);
  assert.deepEqual(page.results.map((frame) => frame.raw_id), ["aaaa/0", "aaaa/1", "bbbb/0"]);
  const [first, , bare] = page.results;
  assert(first && bare);
  const where = { params: { path: { environment_id: here.project, id: first.id } } };
  const frame = data(await here.api.GET(ONE, where));
  assert.deepEqual(frame, first);
  assert.deepEqual([frame.created_at, frame.resolved, frame.symbol_set_ref], [here.moment, true, "chunk-shop"]);
  assert.equal(frame.contents["mangled_name"], "load");
  assert.deepEqual(frame.context?.["line"], { number: 12, line: "  raise" });
  assert.deepEqual([frame.release?.id, frame.release?.version], [here.release, "2.4.0"]);
  assert.deepEqual([bare.resolved, bare.context, bare.symbol_set_ref, bare.release], [false, null, null, null]);
  assert.deepEqual(await batch(here, { raw_ids: ["bbbb/0", "aaaa/1", "unknown/0"] }), ["aaaa/1", "bbbb/0"]);
  assert.deepEqual(await batch(here, { raw_ids: [], symbol_set: here.symbol_set }), ["aaaa/0"]);
  await empty(await here.api.DELETE(ONE, where), 405);
}
