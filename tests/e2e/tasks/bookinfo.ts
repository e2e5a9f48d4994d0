// Bookinfo's page as its visitors see it, through the ingress gateway. It says what it sees, and judges nothing.

import assert from "node:assert/strict";
import { eventually } from "../mesh/eventually.ts";
import type { TaskMesh } from "./task-mesh.ts";

export interface Page {
  /** Of reviews: `v1`, `v2`, `v3`; undefined where the page has none. */
  readonly version: string | undefined;
  readonly stars: "no" | "black" | "red";
  /** What the page says is missing. */
  readonly missing: "nothing" | "reviews" | "ratings" | "details";
  readonly ms: number;
}

/** Signed in where a user is given; rejects where there is no page. */
export async function viewPage({ mesh }: TaskMesh, user?: string): Promise<Page> {
  const url = await mesh.gatewayUrl(80);
  const headers: Record<string, string> = user === undefined ? {} : { cookie: await signIn(url, user) };
  const startMs = performance.now();
  const response = await fetch(`${url}/productpage`, { headers });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return {
    version: /Reviews served by: reviews-(v\d)-/.exec(text)?.[1],
    stars: text.includes("black stars") ? "black" : text.includes("red stars") ? "red" : "no",
    missing: missingOn(text),
    ms: Math.round(performance.now() - startMs),
  };
}

async function signIn(url: string, user: string): Promise<string> {
  const response = await fetch(`${url}/login?username=${user}`, { redirect: "manual" });
  const [cookie = ""] = response.headers.getSetCookie();
  assert.match(cookie, /^user=/);
  return cookie.replace(/;.*/, "");
}

function missingOn(text: string): Page["missing"] {
  if (text.includes("product details are currently unavailable")) return "details";
  if (text.includes("product reviews are currently unavailable")) return "reviews";
  return text.includes("Ratings service is currently unavailable") ? "ratings" : "nothing";
}

export interface Views {
  readonly count?: number;
  readonly user?: string;
}

/** How many pages had which version of reviews: `{ v1: 52, v3: 48 }`. */
export async function countVersions(
  tasks: TaskMesh,
  { count = 100, user }: Views = {},
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let left = count; left > 0; left -= 10) {
    const pages = await Promise.all(Array.from({ length: 10 }, () => viewPage(tasks, user)));
    for (const { version = "none" } of pages) counts[version] = (counts[version] ?? 0) + 1;
  }
  return counts;
}

/** When pages have these versions of reviews and no others. */
export function untilVersionsAre(tasks: TaskMesh, versions: readonly string[], views?: Views): Promise<void> {
  return eventually(async () => {
    const counts = await countVersions(tasks, { ...views, count: 20 });
    assert.deepEqual(Object.keys(counts).sort(), versions);
  });
}

export function say({ version = "none", stars, missing, ms }: Page): string {
  return `reviews ${version}, ${stars} stars, missing: ${missing}, ${ms} ms`;
}
