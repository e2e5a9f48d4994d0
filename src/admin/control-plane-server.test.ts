import assert from "node:assert/strict";
import { once } from "node:events";
import { request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { LogLevels } from "../core/log-levels.ts";
import { silentLogger } from "../core/logger.ts";
import { type ControlPlaneAnswers, createControlPlaneServer } from "./control-plane-server.ts";
import { createMonitoringServer } from "./monitoring-server.ts";
import { createReadingServer } from "./reading-server.ts";

const changes: (readonly [scope: string, level: string])[] = [];

const answers: ControlPlaneAnswers = {
  proxies: () => [],
  problems: () => [],
  uninjected: () => [],
  issuerKeys: () => [],
  pushes: () => [],
  traffic: (windowMs) => ({ since: `${windowMs} ms ago`, until: "now", series: [] }),
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
  logLevels: new LogLevels(
    { ads: "streams", ca: "certificates" },
    { initial: "info", onChange: (...change) => changes.push(change) },
  ),
};

/** Asks the monitoring port. The path goes out as it is: `fetch` would mend it. */
async function start(t: TestContext, wrap = (admin: Server) => createMonitoringServer(admin, silentLogger)) {
  const server = wrap(createControlPlaneServer(answers, silentLogger));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return async (path: string, headers: Readonly<Record<string, string>> = {}, put?: string) => {
    const method = put === undefined ? "GET" : "PUT";
    const outgoing = request({ port, path, method, headers, agent: false }).end(put);
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

test("PUT /scopej/NAME changes how much is logged, as istioctl does it", async (t) => {
  const ask = await start(t);
  const scopes = () => ask("/scopej").then(({ text }) => JSON.parse(text));
  const ads = { name: "ads", description: "streams", stack_trace_level: "none", log_callers: false };
  assert.deepEqual((await scopes())[0], { ...ads, output_level: "info" });
  assert.equal((await ask("/scopej/ads", {}, '{"name":"ads","output_level":"debug"}')).status, 202);
  assert.deepEqual(JSON.parse((await ask("/scopej/ads")).text), { ...ads, output_level: "debug" });
  assert.deepEqual(changes.at(-1), ["ads", "debug"]);
  assert.deepEqual((await scopes())[1].output_level, "info");
});

test("PUT /scopej/NAME refuses what it can't do, and changes nothing", async (t) => {
  const ask = await start(t);
  const changeCount = changes.length;
  const debug = '{"output_level":"debug"}';
  const refused = async (status: number, path: string, put: string, headers = {}) =>
    assert.equal((await ask(path, headers, put)).status, status, `${path} ${put}`);
  await refused(404, "/scopej/router", debug);
  await refused(405, "/scopej", debug);
  await refused(405, "/proxies", debug);
  await refused(400, "/scopej/ca", '{"output_level":"loud"}');
  await refused(400, "/scopej/ca", '{"output_level":7}');
  await refused(400, "/scopej/ca", "debug");
  await refused(413, "/scopej/ca", " ".repeat(5_000));
  await refused(403, "/scopej/ca", debug, { origin: "https://evil.example" });
  await refused(403, "/scopej/ca", debug, { host: "evil.example" });
  assert.equal(changes.length, changeCount);
});

test("createReadingServer() lets nobody change anything", async (t) => {
  const ask = await start(t, createReadingServer);
  const changeCount = changes.length;
  assert.equal((await ask("/scopej/ca", {}, '{"output_level":"debug"}')).status, 403);
  assert.equal((await ask("/scopej/ca")).status, 200);
  assert.equal(changes.length, changeCount);
});

test("GET /traffic has a window of a minute unless one is asked for, and refuses what is none", async (t) => {
  const ask = await start(t);
  const window = async (query: string) => JSON.parse((await ask(`/traffic${query}`)).text).since;
  assert.equal(await window(""), "60000 ms ago");
  assert.equal(await window("?window=3600000"), "3600000 ms ago");
  for (const query of ["?window=0", "?window=-1", "?window=1m", "?window=", "?window=1e9"])
    assert.equal((await ask(`/traffic${query}`)).status, 400, query);
});
