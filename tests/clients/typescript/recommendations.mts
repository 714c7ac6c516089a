// The four operations of recommendations.

import assert from "node:assert/strict";
import { data, until, type Place, type Schemas } from "./common.mjs";

const LIST = "/api/environments/{environment_id}/error_tracking/recommendations/";
const DISMISS = "/api/environments/{environment_id}/error_tracking/recommendations/{id}/dismiss/";
const RESTORE = "/api/environments/{environment_id}/error_tracking/recommendations/{id}/restore/";
const REFRESH = "/api/environments/{environment_id}/error_tracking/recommendations/{id}/refresh/";
const TYPES = ["alerts", "long_running_issues", "quiet_issues", "rate_limits", "source_maps"];

type Recommendation = Schemas["ErrorTrackingRecommendation"];

async function listed(here: Place, poll: boolean): Promise<Map<string, Recommendation>> {
  const params = { path: { environment_id: here.project }, query: { poll } };
  const page = data(await here.api.GET(LIST, { params }));
  assert.equal(page.count, page.results.length);
  return new Map(page.results.map((row) => [row.type, row]));
}

async function limits(here: Place): Promise<Recommendation> {
  const row = (await listed(here, true)).get("rate_limits");
  assert(row);
  return row;
}

/** Wait until the limits were computed after `since`. */
async function computed(here: Place, since: string): Promise<Recommendation> {
  return until(async () => {
    const row = await limits(here);
    return row.status === "ready" && row.computed_at !== null && row.computed_at > since ? row : undefined;
  });
}

/** Polling makes nothing; listing makes and computes; dismissing is taken back. */
export async function walk(here: Place): Promise<void> {
  assert.equal((await listed(here, true)).size, 0);
  assert.deepEqual([...(await listed(here, false)).keys()], TYPES);
  const row = await computed(here, "");
  const keys = [
    { key: "project", enabled: false },
    { key: "per_issue", enabled: true },
  ];
  assert.deepEqual(row.meta, { rate_limits: keys });
  assert.deepEqual([row.completed, row.dismissed_at], [false, null]);
  const path = { environment_id: here.project, id: row.id };
  const dismissed = data(await here.api.POST(DISMISS, { params: { path } }));
  assert(dismissed.dismissed_at !== null && dismissed.dismissed_at > row.created_at);
  const restored = data(await here.api.POST(RESTORE, { params: { path } }));
  assert.deepEqual([restored.id, restored.dismissed_at], [row.id, null]);
}

/** What the settings completed is seen after a refresh. */
export async function walkAfterSettings(here: Place): Promise<void> {
  const before = await limits(here);
  assert.equal(before.completed, false);
  const params = { path: { environment_id: here.project, id: before.id }, query: { force: true } };
  assert.equal(data(await here.api.POST(REFRESH, { params })).id, before.id);
  const after = await computed(here, before.computed_at ?? "");
  assert.equal(after.completed, true);
  assert.deepEqual(after.meta["rate_limits"], [
    { key: "project", enabled: true },
    { key: "per_issue", enabled: true },
  ]);
}
