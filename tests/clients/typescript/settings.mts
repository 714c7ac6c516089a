// The operations of settings and of the configuration of spike detection: two each.

import assert from "node:assert/strict";
import { data, refusal, type Place, type Schemas } from "./common.mjs";

const SHOW = "/api/environments/{environment_id}/error_tracking/settings/retrieve_settings/";
const UPDATE = "/api/environments/{environment_id}/error_tracking/settings/update_settings/";
const SHOW_SPIKES = "/api/environments/{environment_id}/error_tracking/spike_detection_config/";
const UPDATE_SPIKES = "/api/environments/{environment_id}/error_tracking/spike_detection_config/update_config/";

function limits(
  project: number | null,
  minutes: number | null,
  perIssue: number | null,
): Schemas["ErrorTrackingSettings"] {
  return {
    project_rate_limit_value: project,
    project_rate_limit_bucket_size_minutes: minutes,
    per_issue_rate_limit_value: perIssue,
    per_issue_rate_limit_bucket_size_minutes: null,
  };
}

/** A field that is left out stays, null clears one, and a wrong one changes nothing. */
export async function walk(here: Place): Promise<void> {
  const params = { path: { environment_id: here.project } };
  const update = (body: Schemas["PatchedErrorTrackingSettings"]) => here.api.PATCH(UPDATE, { params, body });
  assert.deepEqual(data(await here.api.GET(SHOW, { params })), limits(null, null, null));
  const first = { project_rate_limit_value: 7, project_rate_limit_bucket_size_minutes: 5 };
  assert.deepEqual(data(await update(first)), limits(7, 5, null));
  const second = { project_rate_limit_bucket_size_minutes: null, per_issue_rate_limit_value: 3 };
  assert.deepEqual(data(await update(second)), limits(7, null, 3));
  assert.deepEqual(refusal(await update({ project_rate_limit_value: 0 })), [
    400,
    {
      type: "validation_error",
      code: "min_value",
      detail: "Ensure this value is greater than or equal to 1.",
      attr: "project_rate_limit_value",
    },
  ]);
  assert.deepEqual(data(await here.api.GET(SHOW, { params })), limits(7, null, 3));
  await walkSpikes(here);
}

/** One object, with its defaults until they are changed. */
async function walkSpikes(here: Place): Promise<void> {
  const params = { path: { environment_id: here.project } };
  const shown = data(await here.api.GET(SHOW_SPIKES, { params }));
  assert.deepEqual(shown, { snooze_duration_minutes: 10, multiplier: 10, threshold: 500 });
  const changed = data(await here.api.PATCH(UPDATE_SPIKES, { params, body: { multiplier: 3 } }));
  assert.deepEqual(changed, { ...shown, multiplier: 3 });
  assert.deepEqual(data(await here.api.GET(SHOW_SPIKES, { params })), changed);
}
