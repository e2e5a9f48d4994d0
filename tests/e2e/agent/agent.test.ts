import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, stat } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { createServer, request } from "node:http";
import { createServer as createSecureServer, Agent as HttpsAgent, request as requestHttps } from "node:https";
import type { AddressInfo } from "node:net";
import { createServer as createSocketServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { connect as connectTls } from "node:tls";
import type { JsonValue } from "@bufbuild/protobuf";
import type { Agent, AgentOptions } from "../../../src/agent/agent.ts";
import { startAgent } from "../../../src/agent/agent.ts";
import { ownCertificateFiles } from "../../../src/agent/certificate-file.ts";
import { requestOverSocket } from "../../../src/agent/http-over-socket.ts";
import { createProcessSpawner } from "../../../src/agent/spawn-process.ts";
import { type Clock, systemClock } from "../../../src/core/clock.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import type { GrpcMethod } from "../../../src/grpc/method.ts";
import { GrpcServer } from "../../../src/grpc/server.ts";
import { reviewsIdentity, startTestControlPlane } from "../../support/agent-control-plane.ts";
import { testBootstrapOptions, testDirectory, testEnvoyPath } from "../../support/agent-envoy.ts";

const isRoot = process.getuid?.() === 0;
const DEADLINE_MS = 20_000;

async function freePort(): Promise<number> {
  const server = createSocketServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

async function startApp(t: TestContext, handle: RequestListener): Promise<number> {
  const server = createServer(handle).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

// A listener that answers "hello" over TLS with the workload's certificate.
function tlsListener(port: number): JsonValue {
  const source = {
    apiConfigSource: {
      apiType: "DELTA_GRPC",
      transportApiVersion: "V3",
      grpcServices: [{ envoyGrpc: { clusterName: "sds-grpc" } }],
    },
    resourceApiVersion: "V3",
    initialFetchTimeout: "0s",
  };
  const route = { match: { prefix: "/" }, directResponse: { status: 200, body: { inlineString: "hello" } } };
  return {
    name: "greeter",
    trafficDirection: "INBOUND",
    address: { socketAddress: { address: "127.0.0.1", portValue: port } },
    filterChains: [
      {
        transportSocket: {
          name: "envoy.transport_sockets.tls",
          typedConfig: {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            commonTlsContext: { tlsCertificateSdsSecretConfigs: [{ name: "default", sdsConfig: source }] },
          },
        },
        filters: [
          {
            name: "envoy.filters.network.http_connection_manager",
            typedConfig: {
              "@type":
                "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
              statPrefix: "greeter",
              routeConfig: { virtualHosts: [{ name: "all", domains: ["*"], routes: [route] }] },
              httpFilters: [
                {
                  name: "envoy.filters.http.router",
                  typedConfig: {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
                  },
                },
              ],
            },
          },
        ],
      },
    ],
  };
}

async function start(t: TestContext, change: Partial<AgentOptions> = {}) {
  const launched = await launch(t, change);
  await ready(launched.agent, launched.output);
  return launched;
}

/** Doesn't wait until Envoy serves, which it never does where no listeners come. */
async function launch(t: TestContext, change: Partial<AgentOptions> = {}, { hasListeners = true } = {}) {
  const directory = await testDirectory(t);
  const { sockets: _, ...bootstrap } = testBootstrapOptions(directory);
  const [admin, agentPort, health, envoyStats, greeter] = await Promise.all(
    Array.from({ length: 5 }, freePort),
  );
  assert.ok(admin && agentPort && health && envoyStats && greeter);
  const controlPlane = await startTestControlPlane(
    join(directory, "xds.sock"),
    hasListeners ? [tlsListener(greeter)] : undefined,
  );
  t.after(() => controlPlane.close());
  const output: string[] = [];
  const agent = await startAgent({
    ...bootstrap,
    ports: { admin, agent: agentPort, health, envoyStats },
    directory: join(directory, "pod"),
    identity: reviewsIdentity,
    podIp: "127.0.0.1",
    certificateFiles: ownCertificateFiles,
    sign: controlPlane.sign,
    spawn: createProcessSpawner(await testEnvoyPath(), { onOutput: (line) => output.push(line) }),
    drain: { terminationDrainMs: 10 },
    envoy: { concurrency: 1, drainTimeSeconds: 1 },
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
    ...change,
  });
  t.after(() => agent.close());
  return { agent, controlPlane, ports: { admin, agent: agentPort, health, envoyStats, greeter }, output };
}

async function ready(agent: Agent, output: readonly string[]): Promise<void> {
  try {
    await agent.ready(AbortSignal.timeout(DEADLINE_MS));
  } catch (cause) {
    throw new Error(`Envoy wasn't ready:\n${output.slice(-20).join("\n")}`, { cause });
  }
}

function get(port: number, path: string, method = "GET"): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asking = request({ host: "127.0.0.1", port, path, method, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        body += text;
      });
      response.once("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    asking.once("error", reject);
    asking.end();
  });
}

/** A fresh TLS connection for each request; gives the serial number of the certificate that answered. */
function getGreeting(port: number, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, ca, agent: false, checkServerIdentity: () => undefined };
    const asking = requestHttps(options, (response) => {
      const socket = response.socket as import("node:tls").TLSSocket;
      const { serialNumber } = socket.getPeerCertificate();
      response.resume();
      response.once("end", () => resolve(serialNumber));
    });
    asking.once("error", reject);
    asking.end();
  });
}

test("startAgent() brings up an Envoy that gets its config over mutual TLS", async (t) => {
  const { agent, controlPlane, ports } = await start(t);
  assert.equal(controlPlane.streamCount, 1);
  assert.equal((await get(ports.health, "/healthz/ready")).status, 200);
  assert.equal((await get(ports.admin, "/server_info")).status, 200);
  assert.match((await get(ports.admin, "/server_info")).body, /"state": "LIVE"/);
  assert.match((await get(ports.envoyStats, "/stats/prometheus")).body, /envoy_server_live/);
  assert.notEqual(await getGreeting(ports.greeter, controlPlane.rootsPem), "");
  assert.equal(agent.restartCount, 0);
});

const upstreamStat = "cluster.prometheus_stats.upstream_rq_total";

for (const [hasDeferredStats, atFirst] of [
  [undefined, []],
  [false, [`${upstreamStat}: 0`]],
] as const) {
  const when =
    atFirst.length === 0 ? "when it has the first" : "from the start where deferred statistics are off";
  test(`startAgent()'s Envoy counts the requests of a cluster ${when}`, async (t) => {
    const { agent, ports } = await start(t, {
      stats: { inclusionPrefixes: ["cluster.prometheus_stats"] },
      ...(hasDeferredStats !== undefined && { hasDeferredStats }),
    });
    const counted = async () => {
      const via = { socketPath: agent.adminSocketPath };
      const { body } = await requestOverSocket({ via, path: "/stats", timeoutMs: DEADLINE_MS });
      return body.split("\n").filter((line) => line.startsWith(`${upstreamStat}:`));
    };
    assert.deepEqual(await counted(), atFirst);
    await get(ports.admin, "/server_info");
    assert.deepEqual(await counted(), [`${upstreamStat}: 1`]);
  });
}

test("Agent.ready() asks a waiting Envoy less and less, and never for statistics before it is live", async (t) => {
  const logFile = join(await testDirectory(t), "admin.log");
  const fileLog = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog";
  const accessLog = { name: "file", typedConfig: { "@type": fileLog, path: logFile } };
  const bootstrapOverride = JSON.stringify({ admin: { accessLog: [accessLog] } });
  const { agent } = await launch(
    t,
    { envoy: { concurrency: 1, drainTimeSeconds: 1, bootstrapOverride } },
    { hasListeners: false },
  );
  const waitedMs = 3_000;
  await assert.rejects(agent.ready(AbortSignal.timeout(waitedMs)), { name: "TimeoutError" });
  const via = { socketPath: agent.adminSocketPath };
  const info = await requestOverSocket({ via, path: "/server_info", timeoutMs: DEADLINE_MS });
  assert.match(info.body, /INITIALIZING/);
  await agent.close(); // Envoy writes its log by then.
  const requests = (await readFile(logFile, "utf8")).split("\n").filter((line) => line.includes("GET "));
  assert.ok(requests.length > 5 && requests.length < 45, `${requests.length} requests in ${waitedMs} ms`);
  assert.deepEqual(
    requests.filter((line) => line.includes("/stats")),
    [],
  );
});

// Rotates each second what is good for twenty. One that lived for two would be renewed when a half to one second of it is
// left, for X.509 has whole seconds: a busy machine stands still for longer, and then it has expired, however it is rotated.
const hurriedClock: Clock = {
  now: () => systemClock.now(),
  after: (delayMs, callback) => systemClock.after(delayMs / 10, callback),
};

test("startAgent() rotates certificates each second under load without one failed request", async (t) => {
  const { agent, controlPlane, ports } = await start(t, { certificateTtlMs: 20_000, clock: hurriedClock });
  const serials = new Set<string>();
  const failures: unknown[] = [];
  let requestCount = 0;
  const stopAtMs = Date.now() + 3 * DEADLINE_MS;
  const load = async (): Promise<void> => {
    // How many requests a machine makes meanwhile is its own affair: it goes on until there were enough of both.
    while ((serials.size < 4 || requestCount <= 50) && Date.now() < stopAtMs) {
      requestCount++;
      try {
        serials.add(await getGreeting(ports.greeter, controlPlane.rootsPem));
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all([load(), load(), load()]);
  assert.deepEqual(failures, []);
  assert.ok(serials.size >= 4, `${serials.size} certificates seen in ${requestCount} requests`);
  assert.ok(requestCount > 50, `${requestCount} requests`);
  assert.equal(agent.restartCount, 0);
});

test("startAgent() starts Envoy again after kill -9, with the same certificate", async (t) => {
  const { agent, controlPlane, ports, output } = await start(t);
  const serial = await getGreeting(ports.greeter, controlPlane.rootsPem);
  const { pid } = agent;
  assert.ok(pid !== undefined);
  process.kill(pid, "SIGKILL");
  const stopAtMs = Date.now() + DEADLINE_MS;
  while ((agent.pid === undefined || agent.pid === pid) && Date.now() < stopAtMs) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  await ready(agent, output);
  assert.equal(agent.restartCount, 1);
  const { body } = await get(ports.agent, "/stats/prometheus");
  assert.match(body, /^meltemi_agent_envoy_restarts_total 1$/m);
  assert.equal(await getGreeting(ports.greeter, controlPlane.rootsPem), serial);
});

test("startAgent() refuses a directory whose sockets no path can hold", async (t) => {
  const directory = join(tmpdir(), "d".repeat(100));
  await assert.rejects(start(t, { directory }), /at most 107 fit/);
});

test("startAgent() gives directory and sockets to the proxy's user alone", { skip: !isRoot }, async (t) => {
  const directory = await testDirectory(t);
  await start(t, { directory, proxyUser: { uid: 1337, gid: 1337 } });
  const isPrivate = async (path: string) => {
    const { uid, mode } = await stat(path);
    return uid === 1337 && (mode & 0o077) === 0;
  };
  for (const path of ["", "sds.sock", "agent.sock"])
    assert.equal(await isPrivate(join(directory, path)), true, path);
});

test("probe() and port 15020 ask the app through Envoy", async (t) => {
  const app = await startApp(t, (asked, response) => {
    const isExpected = asked.url === "/healthy" && asked.headers["x-test"] === "yes";
    response.writeHead(isExpected ? 204 : 500).end();
  });
  const closedPort = await freePort();
  const httpHeaders = [{ name: "X-Test", value: "yes" }];
  const probers = {
    "/app-health/app/livez": { httpGet: { port: app, path: "/healthy", httpHeaders } },
    "/app-health/app/readyz": { httpGet: { port: app, path: "/sick" } },
    "/app-health/app/startupz": { tcpSocket: { port: app } },
    "/app-health/closed/livez": { tcpSocket: { port: closedPort } },
    "/app-health/closed/readyz": { grpc: { port: closedPort } },
  };
  const { agent, ports } = await start(t, { probers });
  assert.deepEqual(await agent.probe("app", "liveness"), {
    isSuccess: true,
    message: "HTTP 204",
    httpStatus: 204,
  });
  assert.equal((await agent.probe("app", "readiness")).message, "HTTP 500");
  assert.equal((await agent.probe("app", "startup")).isSuccess, true);
  const closed = await agent.probe("closed", "liveness");
  assert.deepEqual(closed, { isSuccess: false, message: `port ${closedPort} takes no connection` });
  assert.equal((await agent.probe("closed", "readiness")).isSuccess, false);
  assert.match((await agent.probe("nobody", "liveness")).message, /no liveness probe of "nobody"/);
  assert.equal((await get(ports.agent, "/app-health/app/livez")).status, 204);
  assert.equal((await get(ports.agent, "/app-health/app/readyz")).status, 500);
  assert.equal((await get(ports.agent, "/app-health/other/readyz")).status, 404);
  assert.equal((await get(ports.health, "/app-health/app/livez")).status, 404);
});

test("port 15020 merges the metrics of Envoy, agent and app", async (t) => {
  const app = await startApp(t, (_, response) => response.end("# TYPE books_sold counter\nbooks_sold 7"));
  const { ports } = await start(t, { appPages: [{ port: app }] });
  const { status, body } = await get(ports.agent, "/stats/prometheus");
  assert.equal(status, 200);
  assert.match(body, /^envoy_server_live/m);
  assert.match(body, /^meltemi_agent_certificate_rotations_total 1$/m);
  assert.match(body, /^books_sold 7$/m);
});

test("port 15020 takes /quitquitquit by POST from within the pod", async (t) => {
  let quits = 0;
  const { ports } = await start(t, { onQuit: () => void quits++ });
  assert.equal((await get(ports.agent, "/quitquitquit")).status, 405);
  assert.equal(quits, 0);
  assert.equal((await get(ports.agent, "/quitquitquit", "POST")).status, 200);
  assert.equal(quits, 1);
});

test("drain() asks clients to leave, refuses no one, and ends Envoy", async (t) => {
  const { agent, controlPlane, ports } = await start(t, { drain: { terminationDrainMs: 500 } });
  const keepAlive = new HttpsAgent({
    keepAlive: true,
    ca: controlPlane.rootsPem,
    checkServerIdentity: () => undefined,
  });
  t.after(() => keepAlive.destroy());
  const ask = (): Promise<string | undefined> =>
    new Promise((resolve, reject) => {
      const asking = requestHttps(
        { host: "127.0.0.1", port: ports.greeter, agent: keepAlive },
        (response) => {
          response.resume();
          response.once("end", () => resolve(response.headers.connection));
        },
      );
      asking.once("error", reject);
      asking.end();
    });
  assert.notEqual(await ask(), "close");
  const draining = agent.drain();
  const stopAtMs = Date.now() + 400;
  let answer = await ask();
  while (answer !== "close" && Date.now() < stopAtMs) answer = await ask();
  assert.equal(answer, "close");
  assert.equal((await get(ports.health, "/healthz/ready")).status, 503);
  assert.notEqual(
    await getGreeting(ports.greeter, controlPlane.rootsPem),
    "",
    "new connections are still taken",
  );
  await draining;
  assert.equal(agent.pid, undefined);
  const asked = requestOverSocket({
    via: { socketPath: agent.adminSocketPath },
    path: "/ready",
    timeoutMs: 1_000,
  });
  await assert.rejects(asked);
});

test("drain() waits for the last connection where EXIT_ON_ZERO_ACTIVE_CONNECTIONS asks for it", async (t) => {
  const drain = { exitOnZeroActiveConnections: true, minimumDrainMs: 10 };
  const { agent, controlPlane, ports } = await start(t, { drain });
  const options = { host: "127.0.0.1", port: ports.greeter, ca: controlPlane.rootsPem };
  const open = connectTls({ ...options, checkServerIdentity: () => undefined });
  await once(open, "secureConnect");
  assert.equal(await agent.admin.countActiveConnections(), 1);
  let isDrained = false;
  const draining = agent.drain().then(() => {
    isDrained = true;
  });
  await getGreeting(ports.greeter, controlPlane.rootsPem);
  assert.equal(isDrained, false);
  open.destroy();
  await draining;
  assert.equal(agent.pid, undefined);
});

test("probe() asks gRPC health and HTTPS, whatever its certificate", async (t) => {
  const health: GrpcMethod = {
    kind: "unary",
    path: "/grpc.health.v1.Health/Check",
    // Field 1, status: 1 SERVING for the service "up", 2 NOT_SERVING for others.
    handle: async (request) => [Buffer.from([0x08, Buffer.from(request).includes("up") ? 1 : 2])],
  };
  const server = new GrpcServer({ clock: systemClock, log: silentLogger, random: Math.random });
  const listener = await server.listen({ kind: "tcp", host: "127.0.0.1", port: 0 }, { methods: [health] });
  t.after(() => server.close());
  assert.ok(listener.port !== undefined);
  const secure = await freePort();
  const probers = {
    "/app-health/app/livez": { grpc: { port: listener.port, service: "up" } },
    "/app-health/app/readyz": { grpc: { port: listener.port } },
    "/app-health/app/startupz": { httpGet: { port: secure, scheme: "HTTPS" as const, path: "/" } },
  };
  const { agent, ports } = await start(t, { probers });
  assert.deepEqual(await agent.probe("app", "liveness"), { isSuccess: true, message: "SERVING" });
  assert.equal((await agent.probe("app", "readiness")).message, "gRPC health 2");
  assert.equal((await agent.probe("app", "startup")).isSuccess, false);
  const own = createSecureServer(selfSigned(agent), (_, response) => response.end("ok"));
  own.listen(secure, "127.0.0.1");
  await once(own, "listening");
  t.after(() => own.close());
  assert.equal((await agent.probe("app", "startup")).message, "HTTP 200");
  assert.equal((await get(ports.agent, "/app-health/app/livez")).status, 200);
});

function selfSigned(agent: Agent): { key: string; cert: string } {
  const { current } = agent.certificate;
  assert.ok(current !== undefined);
  return { key: current.keyPem.reveal(), cert: current.chainPem };
}
