// What is refused has a type, too: 401, 403, 404 and 429. The 400s stand with their operations.

import assert from "node:assert/strict";
import { client, error, refusal, type API, type Place } from "./common.mjs";

const RELEASES = "/api/environments/{environment_id}/error_tracking/releases/";
const ISSUES = "/api/environments/{project_id}/health_issues/";
const ISSUE = "/api/environments/{project_id}/health_issues/{id}/";
const PER_HOUR = 20; // requests with one key of the strict server; from nine tenths of it on, one may be refused

/** A wrong key, a key without the scope, what is not there, and too much. */
export async function walk(here: Place): Promise<void> {
  const releases = (api: API, project: string) =>
    api.GET(RELEASES, { params: { path: { environment_id: project } } });
  const wrong = "Personal API key found in request Authorization header is invalid.";
  assert.deepEqual(refusal(await releases(client(here.url, "phx_unknown"), here.project)), [
    401,
    error("authentication_error", "authentication_failed", wrong),
  ]);
  const missing = "API key missing required scope 'error_tracking:read'";
  assert.deepEqual(refusal(await releases(here.reader, here.project)), [
    403,
    error("authentication_error", "permission_denied", missing),
  ]);
  for (const id of ["01a201fd-0000-7000-8000-000000000000", "no-uuid"]) {
    const answer = await here.api.GET(ISSUE, { params: { path: { project_id: here.project, id } } });
    assert.deepEqual(refusal(answer), [404, error("invalid_request", "not_found", "Not found.")]);
  }
  const nowhere = await here.api.GET(ISSUES, { params: { path: { project_id: "999999999" } } });
  assert.deepEqual(refusal(nowhere), [404, error("invalid_request", "not_found", "Project not found.")]);
  await walkTooMuch(() => releases(here.busy, here.busy_project));
}

/** Each request is answered or refused with the seconds to wait, and enough are answered. */
async function walkTooMuch<E>(ask: () => Promise<{ error?: E; response: Response }>): Promise<void> {
  let answered = 0;
  let answer = await ask();
  for (; answer.response.status === 200; answer = await ask()) answered += 1;
  assert(PER_HOUR * 0.9 <= answered && answered <= PER_HOUR, String(answered));
  const seconds = Number(answer.response.headers.get("Retry-After"));
  assert(1 <= seconds && seconds <= 3600, String(seconds));
  const detail = `Request was throttled. Expected available in ${seconds} second${seconds === 1 ? "" : "s"}.`;
  assert.deepEqual(refusal(answer), [429, error("throttled_error", "throttled", detail)]);
}
