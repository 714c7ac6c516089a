// The five operations of health issues.

import assert from "node:assert/strict";
import { data, refusal, type Place, type Schemas } from "./common.mjs";

const LIST = "/api/environments/{project_id}/health_issues/";
const ONE = "/api/environments/{project_id}/health_issues/{id}/";
const RESOLVE = "/api/environments/{project_id}/health_issues/{id}/resolve/";
const SUMMARY = "/api/environments/{project_id}/health_issues/summary/";

/** Read, page, filter, dismiss, count and resolve. */
export async function walk(here: Place): Promise<void> {
  const path = { project_id: here.project };
  const expected: Schemas["HealthIssue"] = {
    id: here.critical,
    kind: "client_check",
    severity: "critical",
    status: "active",
    dismissed: false,
    payload: { seen: ["1.0", "1.2"] },
    created_at: here.moment,
    updated_at: here.moment,
    resolved_at: null,
  };
  const all = data(await here.api.GET(LIST, { params: { path } }));
  assert.deepEqual([all.count, all.next, all.previous], [3, null, null]);
  assert.deepEqual(all.results.map((issue) => issue.id), [here.critical, here.warning, here.resolved]);
  assert.deepEqual(all.results[0], expected);
  assert.equal(all.results[2]?.resolved_at, here.moment);
  const detail: Schemas["HealthIssueDetail"] = {
    ...expected,
    title: "Client check",
    summary: "client_check (critical)",
    link: "/admin/healthtrack/healthissue/",
    remediation: null, // the server knows no such kind
  };
  assert.deepEqual(data(await here.api.GET(ONE, { params: { path: { ...path, id: here.critical } } })), detail);
  await walkPagesAndFilters(here);
  await walkChanges(here, expected);
}

/** The second of three pages has both neighbours; filters are typed. */
async function walkPagesAndFilters(here: Place): Promise<void> {
  const path = { project_id: here.project };
  const page = data(await here.api.GET(LIST, { params: { path, query: { limit: 1, offset: 1 } } }));
  assert.deepEqual(page.results.map((issue) => issue.id), [here.warning]);
  assert.match(page.next ?? "", /\/health_issues\/\?limit=1&offset=2$/);
  assert.match(page.previous ?? "", /\/health_issues\/\?limit=1$/);
  const query = { status: "resolved", kind: "other_check", dismissed: false } as const;
  const found = data(await here.api.GET(LIST, { params: { path, query } }));
  assert.deepEqual(found.results.map((issue) => issue.id), [here.resolved]);
}

async function summary(here: Place): Promise<Schemas["HealthIssueSummary"]> {
  return data(await here.api.GET(SUMMARY, { params: { path: { project_id: here.project } } }));
}

/** Dismissing changes one field; resolving happens once. */
async function walkChanges(here: Place, issue: Schemas["HealthIssue"]): Promise<void> {
  const both = { client_check: 1, other_check: 1 };
  assert.deepEqual(await summary(here), { total: 2, by_severity: { critical: 1, warning: 1 }, by_kind: both });
  const path = { project_id: here.project, id: issue.id };
  const changed = data(await here.api.PATCH(ONE, { params: { path }, body: { dismissed: true } }));
  assert.deepEqual({ ...changed, updated_at: issue.updated_at }, { ...issue, dismissed: true });
  assert(changed.updated_at > issue.updated_at);
  const left = { total: 1, by_severity: { warning: 1 }, by_kind: { other_check: 1 } };
  assert.deepEqual(await summary(here), left);
  const other = { project_id: here.project, id: here.warning };
  const resolved = data(await here.api.POST(RESOLVE, { params: { path: other } }));
  assert.deepEqual([resolved.status, resolved.resolved_at], ["resolved", resolved.updated_at]);
  assert.deepEqual(await summary(here), { total: 0, by_severity: {}, by_kind: {} });
  const [status, refused] = refusal(await here.api.POST(RESOLVE, { params: { path: other } }));
  assert.equal(status, 400);
  assert.deepEqual(refused, { detail: "Could not resolve health issue." });
  assert("type" in refused === false && refused.code === undefined);
}
