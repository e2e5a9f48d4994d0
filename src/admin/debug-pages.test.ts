import assert from "node:assert/strict";
import { test } from "node:test";
import type { FleetSession } from "../fleet/fleet-session.ts";
import { type DebugFacts, debugPage } from "./debug-pages.ts";

const facts: DebugFacts = {
  services: () => [],
  endpointsOf: () => [],
  proxies: () => [],
  findProxy: (id) => (id === "web-1.shop" ? ({} as FleetSession) : undefined),
  configDump: async (_proxy, { hasEndpoints }) => ({ hasEndpoints }),
  loadAssignments: async () => ["assignment"],
  watchesOf: () => ({}),
  objects: () => [],
  meshConfig: () => ({ connectTimeout: "3s" }),
};

const pageOf = async (path: string) => {
  const { status, text } = await debugPage(path, facts);
  return [status, status === 200 ? JSON.parse(text) : text];
};

const refusals = {
  nothing: [404, "404 page not found"],
  // Of every object in JavaScript.
  constructor: [404, "404 page not found"],
  config_dump: [400, "You must provide a proxyID in the query string"],
  "edsz?proxyID=": [400, "You must provide a proxyID in the query string"],
  "edsz?proxyID=gone.shop": [
    404,
    "Proxy not connected to this Pilot instance. It may be connected to another instance.",
  ],
} as const;

for (const [path, expected] of Object.entries(refusals)) {
  test(`debugPage() answers ${path} by ${expected.join(" ")}`, async () => {
    assert.deepEqual(await pageOf(path), expected);
  });
}

test("debugPage() shows endpoints in a config dump where they are asked for", async () => {
  assert.deepEqual(await pageOf("config_dump?proxyID=web-1.shop"), [200, { hasEndpoints: false }]);
  assert.deepEqual(await pageOf("config_dump?proxyID=web-1.shop&include_eds"), [200, { hasEndpoints: true }]);
  assert.deepEqual(await pageOf("edsz?proxyID=web-1.shop"), [200, ["assignment"]]);
});

test("debugPage() has one cluster, in step, and the mesh's config", async () => {
  assert.deepEqual(await pageOf("clusterz"), [200, [{ id: "Kubernetes", syncStatus: "synced" }]]);
  assert.deepEqual(await pageOf("mesh"), [200, { connectTimeout: "3s" }]);
});

test("debugPage() lists every page, each with a link that is answered once a proxy is named", async () => {
  const { status, contentType, text } = await debugPage("", facts);
  assert.deepEqual([status, contentType], [200, "text/html; charset=utf-8"]);
  const links = [...text.matchAll(/<tr><td><a href="\/debug\/(.+?)">\1<\/a><\/td><td>.{10,}<\/td><\/tr>\n/g)];
  const paths = links.map(([, path = ""]) => path);
  const [, names] = await pageOf("list");
  assert.deepEqual(
    paths.map((path) => path.split("?")[0]),
    names,
  );
  assert.ok(names.length >= 12, `${names.length} pages`);
  for (const path of paths) assert.equal((await pageOf(path.replace("POD.NAMESPACE", "web-1.shop")))[0], 200);
  const isOfProxy = (path: string) => path.endsWith("?proxyID=POD.NAMESPACE");
  assert.deepEqual(paths.filter(isOfProxy).length, 2);
});
