import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { silentLogger } from "../core/logger.ts";
import { type ControlPlaneAnswers, createControlPlaneServer } from "./control-plane-server.ts";
import { createMonitoringServer } from "./monitoring-server.ts";

const answers: ControlPlaneAnswers = {
  proxies: () => [],
  problems: () => [],
  uninjected: () => [],
  issuerKeys: () => [],
  pushes: () => [],
  programmed: (object) => ({
    object,
    proxyCount: 0,
    acknowledgedCount: 0,
    awaited: [],
    refusedBy: [],
    reasons: [],
  }),
  debugPage: async (path) => ({ status: 404, contentType: "text/plain; charset=utf-8", text: path }),
  version: () => ({ version: "0.1.0" }),
  isReady: () => true,
  metrics: async () => "metric 1\n",
};

/** Asks the monitoring port. The path goes out as it is: `fetch` would mend it. */
async function start(t: TestContext) {
  const server = createMonitoringServer(createControlPlaneServer(answers, silentLogger), silentLogger);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return async (path: string, headers: Readonly<Record<string, string>> = {}) => {
    const outgoing = request({ port, path, headers, agent: false }).end();
    const [answer] = await once(outgoing, "response");
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk);
    return { status: answer.statusCode, text: Buffer.concat(chunks).toString() };
  };
}

test("GET /version is bare text, as istioctl reads it, and JSON for who accepts that", async (t) => {
  const ask = await start(t);
  assert.deepEqual(await ask("/version"), { status: 200, text: "0.1.0" });
  assert.deepEqual(await ask("//version"), { status: 200, text: "0.1.0" });
  const { text } = await ask("/version", { accept: "application/json" });
  assert.deepEqual(JSON.parse(text), { version: "0.1.0" });
});

test("GET /debug/… asks for the page with its query, however many slashes it begins with", async (t) => {
  const ask = await start(t);
  const page = "config_dump?proxyID=web-1.shop";
  assert.deepEqual(await ask(`/debug/${page}`), { status: 404, text: page });
  assert.deepEqual(await ask(`//debug/${page}`), { status: 404, text: page });
  assert.deepEqual(await ask("/debug"), { status: 404, text: "" });
  assert.match((await ask("/debugging")).text, /nothing at/);
});

const foreign: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "a name that leads to loopback": { host: "rebound.example:15014" },
  "a name that begins like loopback's": { host: "localhost.example" },
  "the control plane's own name": { host: "meltemi.meltemi-system.svc:15014" },
  "an address of the pod": { host: "10.244.0.3:15014" },
  "a page of another origin": { host: "localhost:15014", origin: "https://evil.example" },
  "a page without an origin": { host: "localhost:15014", origin: "null" },
  "what a page of another site loads": { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" },
};

for (const [what, headers] of Object.entries(foreign)) {
  test(`the mesh's pages aren't answered to ${what}, what monitoring asks for is`, async (t) => {
    const ask = await start(t);
    for (const path of [
      "/debug/registryz",
      "//debug/syncz",
      "/proxies",
      "/problems",
      "/programmed?object=a/b/c",
      "/x",
    ])
      assert.equal((await ask(path, headers)).status, 403, path);
    for (const path of ["/ready", "/metrics", "/version"])
      assert.equal((await ask(path, headers)).status, 200, path);
  });
}

test("the mesh's pages are answered to what a port-forward, a browser and a link send", async (t) => {
  const ask = await start(t);
  const own = [
    { host: "localhost" },
    { host: "LOCALHOST:43211" },
    { host: "127.0.0.1:15014" },
    { host: "127.8.9.10" },
    { host: "[::1]:15014" },
    { host: "localhost:15014", origin: "http://localhost:20001", "sec-fetch-site": "same-site" },
    { host: "localhost:15014", "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" },
  ];
  for (const headers of own)
    assert.equal((await ask("/problems", headers)).status, 200, JSON.stringify(headers));
});

test("an answer quotes little of what was asked", async (t) => {
  const ask = await start(t);
  const long = "x".repeat(10_000);
  assert.ok((await ask(`/${long}`)).text.length < 200);
  assert.ok((await ask("/problems", { host: long })).text.length < 200);
});
