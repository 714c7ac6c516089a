// The one operation of spike events.

import assert from "node:assert/strict";
import { after, data, type Place } from "./common.mjs";
import type { operations } from "./healthtrack.d.ts";

const LIST = "/api/environments/{environment_id}/error_tracking/spike_events/";
type Query = NonNullable<operations["environments_error_tracking_spike_events_list"]["parameters"]["query"]>;

async function values(here: Place, query: Query): Promise<number[]> {
  const answer = await here.api.GET(LIST, { params: { path: { environment_id: here.project }, query } });
  return data(answer).results.map((spike) => spike.current_bucket_value);
}

/** The newest first unless another order is named; issues and dates narrow. */
export async function walk(here: Place): Promise<void> {
  const page = data(await here.api.GET(LIST, { params: { path: { environment_id: here.project } } }));
  assert.equal(page.count, 3);
  const [first, second] = here.issues;
  assert(first && second);
  assert.deepEqual(
    page.results.map(({ id, ...spike }) => spike),
    [
      [first, "KeyError", "'tea'", 10, 2.0, 800] as const,
      [second, null, null, 5, 4.25, 900] as const,
      [first, "KeyError", "'tea'", 0, 1.5, 700] as const,
    ].map(([id, name, description, minutes, computed_baseline, current_bucket_value]) => ({
      issue: { id, name, description },
      detected_at: after(here, minutes),
      computed_baseline,
      current_bucket_value,
    })),
  );
  assert.deepEqual(await values(here, { order_by: "-computed_baseline" }), [900, 800, 700]);
  assert.deepEqual(await values(here, { issue_ids: first, order_by: "current_bucket_value" }), [700, 800]);
  assert.deepEqual(await values(here, { date_from: after(here, 1), date_to: after(here, 9) }), [900]);
}
