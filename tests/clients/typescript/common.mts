// What the parts of the program share: the names of things, the clients, and the record of their requests.

import assert from "node:assert/strict";
import createClient, { type Client, type Middleware } from "openapi-fetch";
import type { components, paths } from "./healthtrack.d.ts";

export type Schemas = components["schemas"];
export type API = Client<paths>;

/** What tests/clients/place.py prints. */
interface Given {
  url: string;
  project: string;
  key: string;
  reader_key: string;
  busy_url: string;
  busy_project: string;
  busy_key: string;
  moment: string;
  critical: string;
  warning: string;
  resolved: string;
  release: string;
  symbol_set: string;
  frames: string[];
  issues: string[];
}

/** A furnished project, and the clients of its keys. */
export interface Place extends Given {
  api: API;
  reader: API;
  busy: API;
}

export const requests: [method: string, path: string, status: number][] = [];

const record: Middleware = {
  onResponse({ request, response }) {
    requests.push([request.method, new URL(request.url).pathname, response.status]);
  },
};

/** Return a client that sends a key, and whose requests are recorded. */
export function client(url: string, key: string): API {
  const made = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${key}` } });
  made.use(record);
  return made;
}

export function place(given: Given): Place {
  return {
    ...given,
    api: client(given.url, given.key),
    reader: client(given.url, given.reader_key),
    busy: client(given.busy_url, given.busy_key),
  };
}

/** Return the moment some minutes after the place's own, as the API writes it. */
export function after(here: Place, minutes: number): string {
  return new Date(Date.parse(here.moment) + minutes * 60_000).toISOString().replace(".000Z", "Z");
}

/** Return what an operation answered, which must be no error. */
export function data<T>(answer: { data?: T; error?: unknown }): T {
  assert.equal(answer.error, undefined);
  assert(answer.data !== undefined);
  return answer.data;
}

/** Return the error that an operation answered, with its status. */
export function refusal<E>(answer: { error?: E; response: Response }): [number, E] {
  assert(answer.error !== undefined);
  return [answer.response.status, answer.error];
}

/** See that an operation has answered a status and nothing more. */
export async function empty(answer: { response: Response }, status: number): Promise<void> {
  assert.equal(answer.response.status, status);
  assert.equal(answer.response.headers.get("Content-Type"), null);
}

/** Return an error that names no field. */
export function error(type: string, code: string, detail: string): Schemas["Error"] {
  return { type, code, detail, attr: null };
}

const PATIENCE = 60_000; // milliseconds, on a machine that is busy with other tests

/** Ask until the answer is not undefined, and return it. */
export async function until<T>(question: () => Promise<T | undefined>): Promise<T> {
  for (const deadline = Date.now() + PATIENCE; Date.now() < deadline; ) {
    const answer = await question();
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing came within ${PATIENCE} ms`);
}
