// The six operations of releases, and PUT.

import assert from "node:assert/strict";
import { data, empty, error, refusal, type Place, type Schemas } from "./common.mjs";

const LIST = "/api/environments/{environment_id}/error_tracking/releases/";
const ONE = "/api/environments/{environment_id}/error_tracking/releases/{id}/";
const BY_HASH = "/api/environments/{environment_id}/error_tracking/releases/hash/{hash_id}/";

type Release = Schemas["ErrorTrackingRelease"];

async function create(here: Place, body: Schemas["ErrorTrackingReleaseCreateRequest"]): Promise<Release> {
  const answer = await here.api.POST(LIST, { params: { path: { environment_id: here.project } }, body });
  assert.equal(answer.response.status, 201);
  return data(answer);
}

function named(here: Place, id: string) {
  return { params: { path: { environment_id: here.project, id } } };
}

/** Create, read, change, page and delete. */
export async function walk(here: Place): Promise<void> {
  const body = { version: "3.0", project: "web", hash_id: "hash-3", metadata: { git: { commit: "abc" } } };
  const made = await create(here, body);
  assert.deepEqual(made, { id: made.id, created_at: made.created_at, team_id: Number(here.project), ...body });
  const path = { environment_id: here.project };
  const header = { "X-Request-ID": "walk-1" };
  const again = await here.api.POST(LIST, { params: { path, header }, body });
  assert.equal(again.response.headers.get("X-Request-ID"), "walk-1");
  const inUse = error("validation_error", "release_hash_in_use", "Hash id hash-3 already in use");
  assert.deepEqual(refusal(again), [400, inUse]);
  assert.deepEqual(data(await here.api.GET(ONE, named(here, made.id))), made);
  assert.deepEqual(data(await here.api.GET(BY_HASH, { params: { path: { ...path, hash_id: "hash-3" } } })), made);
  await walkChanges(here, made);
  await walkPages(here, made);
}

/** What is left out, null or empty stays as it is. */
async function walkChanges(here: Place, made: Release): Promise<void> {
  const where = named(here, made.id);
  await empty(await here.api.PUT(ONE, { ...where, body: { version: "3.1", project: null } }), 204);
  assert.deepEqual(data(await here.api.GET(ONE, where)), { ...made, version: "3.1" });
  await empty(await here.api.PATCH(ONE, { ...where, body: { metadata: { by: "ci" } } }), 204);
  assert.deepEqual(data(await here.api.GET(ONE, where)), { ...made, version: "3.1", metadata: { by: "ci" } });
}

/** Four releases are on two pages, the newest first; deleted is gone. */
async function walkPages(here: Place, made: Release): Promise<void> {
  for (const version of ["4.0", "5.0"]) {
    const later = await create(here, { version, project: "web" });
    assert.deepEqual([later.version, later.metadata, later.hash_id], [version, null, later.id]);
  }
  assert.deepEqual(await pages(here), [["5.0", "4.0"], ["3.1", "2.4.0"]]);
  await empty(await here.api.DELETE(ONE, named(here, made.id)), 204);
  assert.deepEqual(await pages(here), [["5.0", "4.0"], ["2.4.0"]]);
  const gone = [404, error("invalid_request", "not_found", "Not found.")];
  assert.deepEqual(refusal(await here.api.DELETE(ONE, named(here, made.id))), gone);
  assert.deepEqual(refusal(await here.api.GET(ONE, named(here, made.id))), gone);
}

/** Return the versions on each page, following the pages to the last. */
async function pages(here: Place): Promise<string[][]> {
  const found: string[][] = [];
  for (let offset = 0; ; offset += 2) {
    const query = { limit: 2, offset };
    const page = data(await here.api.GET(LIST, { params: { path: { environment_id: here.project }, query } }));
    found.push(page.results.map((release) => release.version));
    if (page.next === null) {
      assert.equal(page.count, found.flat().length);
      return found;
    }
  }
}
