// Calls every operation with openapi-fetch and the types that openapi-typescript has generated, and expects literal
// answers. Reads what it needs to know from standard input, as tests/clients/place.py makes it, and prints the requests
// that it made: method, path and status of each. It is type-checked and run by test_typescript_client.py.

import { readFileSync } from "node:fs";
import { place, requests } from "./common.mjs";
import * as healthIssues from "./health_issues.mjs";
import * as recommendations from "./recommendations.mjs";
import * as refusals from "./refusals.mjs";
import * as releases from "./releases.mjs";
import * as settings from "./settings.mjs";
import * as spikes from "./spikes.mjs";
import * as stackFrames from "./stack_frames.mjs";
import * as symbolSets from "./symbol_sets.mjs";

const here = place(JSON.parse(readFileSync(0, "utf-8")));
await healthIssues.walk(here);
await recommendations.walk(here);
await settings.walk(here);
await recommendations.walkAfterSettings(here);
await spikes.walk(here);
await releases.walk(here);
await stackFrames.walk(here);
await symbolSets.walk(here);
await refusals.walk(here);
console.log(JSON.stringify(requests));
