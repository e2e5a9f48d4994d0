// `meltemi stat`, `edges` and `top routes` by real traffic: what was sent is what they say, by whom each edge is secured,
// and an agent that lies can do so about its own traffic alone.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import type { EdgeRow } from "../../../src/cli/traffic/edges.ts";
import type { StatRow } from "../../../src/cli/traffic/stat.ts";
import { emptyCounts, encodeTrafficReport, TRAFFIC_REPORT_PATH } from "../../../src/core/traffic-report.ts";
import { eventually } from "./eventually.ts";
import { meltemi } from "./meltemi-command.ts";
import type { PodClient } from "./pod-client.ts";
import { type RunningMesh, skipWithoutMesh as skip, startMesh } from "./running-mesh.ts";

const CLIENT = "spiffe://cluster.local/ns/test/sa/client";
const ECHO = "spiffe://cluster.local/ns/test/sa/echo";
const ECHO_HOST = "echo.test.svc.cluster.local";

const nobody = `
apiVersion: v1
kind: Service
metadata: { name: nobody, namespace: test }
spec: { selector: { app: nobody }, ports: [{ name: http, port: 80 }] }
`;

const routes = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: echo, namespace: test }
spec:
  hosts: [echo]
  http:
    - { name: slow, match: [{ uri: { prefix: /slow } }], fault: { delay: { percentage: { value: 100 }, fixedDelay: 300ms } }, route: [{ destination: { host: echo, subset: v1 } }] }
    - { name: broken, match: [{ uri: { prefix: /broken } }], fault: { abort: { percentage: { value: 100 }, httpStatus: 503 } }, route: [{ destination: { host: echo, subset: v1 } }] }
    - { name: plain, route: [{ destination: { host: echo, subset: v1 } }] }
`;

const gateway = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: edge, namespace: test }
spec:
  selector: { istio: ingressgateway }
  servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: edge, namespace: test }
spec:
  hosts: ["*"]
  gateways: [edge]
  http: [{ route: [{ destination: { host: echo, port: { number: 80 }, subset: v2 } }] }]
`;

describe("traffic as the mesh sees it", { skip }, () => {
  let mesh: RunningMesh;
  let client: PodClient;

  before(
    async () => {
      mesh = await startMesh({
        manifests: ["gateway.yaml", "legacy.yaml"],
        files: { "nobody.yaml": nobody, "routes.yaml": routes, "edge.yaml": gateway },
      });
      client = await mesh.client("client");
    },
    { timeout: 120_000 },
  );
  after(() => mesh?.close());

  /** Of an hour: what is counted stays counted while the test runs. */
  async function rowsOf<Row>(...words: readonly string[]): Promise<readonly Row[]> {
    const { code, stdout, stderr } = await meltemi(mesh, ...words, "--window", "1h", "-o", "json");
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as readonly Row[];
  }

  async function workload(name: string, direction: "in" | "out"): Promise<StatRow> {
    const rows = await rowsOf<StatRow>("stat", `deploy/${name}`, "-n", "test");
    return rows.find((row) => row.direction === direction) ?? assert.fail(`${name} has no ${direction}`);
  }

  async function edge(caller: string | undefined, called: string | undefined): Promise<EdgeRow> {
    const rows = await rowsOf<EdgeRow>("edges", "-n", "test");
    const found = rows.find((row) => row.caller.workload === caller && row.called.workload === called);
    return found ?? assert.fail(`no edge of ${caller} to ${called}`);
  }

  test("counts are what was sent, at both ends, with times, bytes and identities", async () => {
    const { byStatus } = await client.many(60, { url: "http://echo/", concurrency: 4 });
    assert.deepEqual(byStatus, { 200: 60 });
    await client.many(6, { url: "http://echo/slow", concurrency: 6 });
    await client.many(10, { url: "http://echo/broken" });
    await eventually(async () => {
      const called = await workload("client", "out");
      assert.deepEqual([called.requests, called.failures], [76, 10]);
      assert.ok(Number(called.p50Ms) < 200 && Number(called.p99Ms) > 200, JSON.stringify(called));
      assert.ok(called.receivedBytes > 60 * 50 && called.sentBytes > 60 * 100, JSON.stringify(called));
      assert.deepEqual(called.identities, [CLIENT]);
      // What a fault at the caller aborts never comes.
      const served = await workload("echo-v1", "in");
      assert.deepEqual([served.requests, served.failures, served.mutualTlsShare], [66, 0, 1]);
      assert.deepEqual(served.identities, [ECHO]);
    });
    const { caller, called, toldBy, requests } = await edge("client", "echo-v1");
    assert.deepEqual([caller.identities, called.identities], [[CLIENT], [ECHO]]);
    assert.deepEqual([toldBy, requests], ["both", 66]);
  });

  test("routes are told apart by name, the most used first", async () => {
    const rows = (await rowsOf<StatRow>("top", "routes", "-n", "test")).filter(
      ({ name }) => name === ECHO_HOST,
    );
    const counts = rows.map(({ route, requests, failures }) => [route, requests, failures]);
    assert.deepEqual(counts, [
      ["plain", 60, 0],
      ["broken", 10, 10],
      ["slow", 6, 0],
    ]);
  });

  test("gRPC, WebSockets and TCP are counted, TCP as connections with their bytes", async () => {
    const before = await workload("client", "out");
    await client.say("echo:9090", ["a", "b", "c"]);
    await client.websocket("ws://echo/socket", ["one"]);
    const { received } = await client.tcp({ host: "echo", port: 9000, send: "hello\n", until: "hello" });
    assert.match(received, /^v[12]:hello/);
    await eventually(async () => {
      const after = await workload("client", "out");
      assert.equal(after.requests - before.requests, 4);
      assert.equal(after.failures, before.failures);
      assert.deepEqual([after.connectionsOpened, after.connectionsClosed], [1, 1]);
    });
  });

  test("who is reached by nobody, who calls from outside, and who comes by the gateway", async () => {
    await client.many(3, { url: "http://nobody/" });
    await (await mesh.client("legacy")).many(4, { url: "http://echo/" });
    const url = await mesh.gatewayUrl(80);
    const machine = mesh.machineClient();
    await eventually(async () => assert.equal((await machine.request(url)).status, 200));
    await machine.many(5, { url });
    await eventually(async () => {
      const unreached = (await rowsOf<EdgeRow>("edges")).find(({ services }) =>
        services[0]?.startsWith("nobody."),
      );
      assert.deepEqual([unreached?.requests, unreached?.failures, unreached?.toldBy], [3, 3, "caller"]);
      const ofLegacy = await Promise.all(
        ["echo-v1", "echo-v2"].map((name) => edge(undefined, name).catch(() => undefined)),
      );
      assert.equal(
        ofLegacy.reduce((sum, row) => sum + (row?.requests ?? 0), 0),
        4,
      );
      assert.ok(ofLegacy.every((row) => row === undefined || row.mutualTlsShare === 0));
      const { requests, called } = await edge("gateway", "echo-v2");
      assert.ok(requests >= 6);
      assert.deepEqual(called.identities, [ECHO]);
    });
  });

  test("an agent that lies does so about its own traffic alone", async () => {
    const others = async () => ({
      echo: countsOf(await workload("echo-v1", "in")),
      services: (await rowsOf<StatRow>("stat", "services")).map(countsOf),
    });
    const before = await others();
    assert.equal(await forge("client"), "0");
    const { toldBy, called, requests } = await eventually(() => edge("admin", "client"));
    assert.deepEqual([toldBy, called.workload, requests], ["called", "client", 1_000]);
    assert.deepEqual(await others(), before);
  });

  /** Rates fall as the window grows. */
  function countsOf({ name, requests, failures, receivedBytes, sentBytes }: StatRow) {
    return { name, requests, failures, receivedBytes, sentBytes };
  }

  /** As the proxy of a pod: that a service which isn't its own failed, and that the admin called. Resolves with gRPC's status. */
  async function forge(name: string): Promise<string> {
    const counts = { ...emptyCounts(), failures: 1_000 };
    counts.latency[0] = 1_000;
    const peer = {
      peerWorkload: "admin",
      peerNamespace: "bank",
      peerPrincipal: "spiffe://cluster.local/ns/bank/sa/admin",
    };
    const what = { service: ECHO_HOST, route: "plain", protocol: "http", security: "mutual_tls" } as const;
    const series = [[{ reporter: "destination", ...peer, ...what } as const, counts] as const];
    const report = Buffer.from(encodeTrafficReport({ run: "forged", sequence: 0, series }));
    const frame = Buffer.alloc(5 + report.length);
    frame.writeUInt32BE(report.length, 1);
    report.copy(frame, 5);
    const [pod] = await mesh.pods(name);
    const socket = `/run/meltemi/${pod?.ip}/xds.sock`;
    const script = `
      const { connect } = require("node:http2");
      const tls = require("node:tls");
      const createConnection = () => tls.connect({ path: "${socket}", rejectUnauthorized: false, ALPNProtocols: ["h2"] });
      const session = connect("https://meltemi", { createConnection });
      session.on("error", (error) => { console.log(error.message); process.exit(); });
      const headers = { ":method": "POST", ":path": "${TRAFFIC_REPORT_PATH}", "content-type": "application/grpc", te: "trailers" };
      const call = session.request(headers);
      const tell = (found) => { if (found["grpc-status"] !== undefined) { console.log(found["grpc-status"]); session.close(); } };
      call.on("response", tell).on("trailers", tell).resume();
      call.end(Buffer.from("${frame.toString("base64")}", "base64"));
    `;
    const choices = { container: "istio-proxy" };
    const [command, ...args] = await mesh.exec(name, [process.execPath, "-e", script], choices);
    return (await promisify(execFile)(command, args)).stdout.trim();
  }

  test("tables are for people, and what is asked wrongly is said", async () => {
    const { stdout } = await meltemi(mesh, "stat", "-n", "test", "--window", "1h");
    assert.match(stdout, /^NAMESPACE +WORKLOAD +DIRECTION +SUCCESS +RPS +P50 +P95 +P99 /);
    assert.match(stdout, /^test +echo-v1 +in +\d+\.\d\d% .* test\/echo$/m);
    const edges = await meltemi(mesh, "edges", "-n", "test", "--window", "1h");
    assert.match(edges.stdout, /^test\/client +test\/echo-v1 .* test\/client -> test\/echo +both$/m);
    const wrong = await meltemi(mesh, "stat", "pods");
    assert.deepEqual([wrong.code, wrong.stdout], [2, ""]);
    assert.match(wrong.stderr, /Cannot show the traffic of "pods"\nhint: name what: workloads, services/);
    const none = await meltemi(mesh, "stat", "svc/absent");
    assert.deepEqual([none.code, none.stderr], [0, ""]);
    assert.match(none.stdout, /^No traffic of service "absent" in the last /);
  });
});
