// `meltemi tap` by real traffic: each kind of request and connection, what decided about it, filters, and who taps too
// slowly, too often, or is killed.

import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, afterEach, before, describe, test } from "node:test";
import { promisify } from "node:util";
import type { TapEvent, TapLoss } from "../../../src/core/tap-event.ts";
import { TAP_RUNTIME_KEY, tapFormat } from "../../../src/core/tap-record.ts";
import { eventually } from "./eventually.ts";
import { environmentOf, meltemi, program } from "./meltemi-command.ts";
import type { PodClient } from "./pod-client.ts";
import { type RunningMesh, skipWithoutMesh as skip, startMesh } from "./running-mesh.ts";

type Shown = TapEvent & { readonly pod: string; readonly outcome?: string };

const rules = `
apiVersion: v1
kind: Service
metadata: { name: nobody, namespace: test }
spec: { selector: { app: nobody }, ports: [{ name: http, port: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: closed, namespace: test }
spec: { selector: { app: legacy }, ports: [{ name: http, port: 80, targetPort: 7999 }] }
---
apiVersion: v1
kind: Service
metadata: { name: narrow, namespace: test }
spec: { selector: { app: echo }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: narrow, namespace: test }
spec:
  host: narrow
  trafficPolicy:
    connectionPool: { tcp: { maxConnections: 1 }, http: { http1MaxPendingRequests: 1 } }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: narrow, namespace: test }
spec:
  hosts: [narrow]
  http: [{ retries: { attempts: 0 }, route: [{ destination: { host: narrow } }] }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: echo, namespace: test }
spec:
  hosts: [echo]
  http:
    - { name: broken, match: [{ uri: { prefix: /broken } }], fault: { abort: { percentage: { value: 100 }, httpStatus: 503 } }, route: [{ destination: { host: echo } }] }
    - { name: plain, route: [{ destination: { host: echo, subset: v1 } }] }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: forbidden, namespace: test }
spec:
  selector: { matchLabels: { app: echo } }
  action: DENY
  rules:
    - to: [{ operation: { paths: [/forbidden], ports: ["8080"] } }]
    - to: [{ operation: { ports: ["9001"] } }]
`;

describe("meltemi tap", { skip }, () => {
  let mesh: RunningMesh;
  let client: PodClient;
  const taps = new Set<ChildProcess>();

  before(
    async () => {
      mesh = await startMesh({ manifests: ["legacy.yaml"], files: { "rules.yaml": rules } });
      client = await mesh.client("client");
    },
    { timeout: 120_000 },
  );
  afterEach(() => {
    for (const tap of taps) tap.kill("SIGKILL");
    taps.clear();
  });
  after(() => mesh?.close());

  /** Percent of requests that the pod's Envoy tells of. */
  async function tappedPercent(workload: string): Promise<number> {
    const script = `fetch("http://127.0.0.1:15000/runtime").then((page) => page.json()).then((runtime) => console.log(runtime.entries["${TAP_RUNTIME_KEY}"]?.final_value ?? 0))`;
    const choices = { container: "istio-proxy" };
    const [command, ...args] = await mesh.exec(workload, [process.execPath, "-e", script], choices);
    return Number((await promisify(execFile)(command, args)).stdout);
  }

  /** Begun when the proxies of `tapped` write: what is sent from then on is seen. */
  async function startTap(tapped: readonly string[], ...words: readonly string[]) {
    const child = spawn(process.execPath, [program, "tap", ...words, "-o", "json"], {
      env: environmentOf(mesh),
      stdio: ["ignore", "pipe", "pipe"],
    });
    taps.add(child);
    const shown: Shown[] = [];
    let stderr = "";
    createInterface({ input: child.stdout }).on("line", (line) => shown.push(JSON.parse(line) as Shown));
    child.stderr.on("data", (text: Buffer) => {
      stderr += text.toString();
    });
    const ended = once(child, "close");
    await eventually(async () => {
      for (const workload of tapped) assert.equal(await tappedPercent(workload), 100, stderr);
    });
    const next = (isIt: (event: Shown) => boolean) =>
      eventually(() => shown.find(isIt) ?? assert.fail(`${JSON.stringify(shown)} ${stderr}`));
    return { child, shown, next, ended, stderr: () => stderr };
  }

  test("a request is shown at both ends, by whom, with the rule that led it, without its query and headers", async () => {
    const { next, shown } = await startTap(["client", "echo-v1"], "-n", "test", "--to", "echo");
    const headers = { authorization: "Bearer hunter2", cookie: "session=hunter2", "user-agent": "hunter2" };
    await client.request({ url: "http://echo/items?token=hunter2", headers });
    const out = await next(({ direction }) => direction === "out");
    const served = await next(({ direction }) => direction === "in");
    for (const event of [out, served]) {
      assert.deepEqual([event.method, event.path, event.status], ["GET", "/items?…", 200]);
      assert.deepEqual([event.caller.workload, event.called.workload], ["client", "echo-v1"]);
      assert.equal(event.caller.principal, "spiffe://cluster.local/ns/test/sa/client");
      assert.deepEqual([event.isMutualTls, event.outcome], [true, undefined]);
    }
    assert.deepEqual(out.route, { name: "plain", from: ["VirtualService/test/echo spec.http[1]"] });
    assert.doesNotMatch(JSON.stringify(shown), /hunter2/);
  });

  test("headers and queries are shown to who asks for them", async () => {
    const { next } = await startTap(["client"], "client", "--header", "user-agent", "--show-query");
    await client.request({ url: "http://echo/?q=1", headers: { "user-agent": "me", cookie: "a=b" } });
    const { headers, path } = await next(({ direction }) => direction === "out");
    assert.deepEqual([headers, path], [{ "user-agent": "me" }, "/?q=1"]);
  });

  test("gRPC, WebSocket and TCP", async () => {
    const { next } = await startTap(["client"], "client");
    await client.say("echo:9090", ["a"]);
    const call = await next(({ path }) => path === "/test.Echo/Say");
    assert.deepEqual([call.status, call.grpcStatus, call.protocol], [200, 0, "HTTP/2"]);
    await client.websocket("ws://echo/socket", ["one"]);
    assert.equal((await next(({ path }) => path === "/socket")).status, 101);
    await client.tcp({ host: "echo", port: 9000, send: "hello\n", until: "hello" });
    const closed = await next(({ kind, state }) => kind === "tcp" && state === "closed");
    const opened = await next(
      ({ connection, state }) => connection === closed.connection && state === "open",
    );
    assert.match(opened.called.workload ?? "", /^echo-v[12]$/);
    assert.equal(closed.receivedBytes, "hello\n".length);
  });

  test("what is denied says by which rule of which policy", async () => {
    const { next } = await startTap(["echo-v1", "echo-v2"], "-n", "test", "--from", "test/client");
    await client.request("http://echo/forbidden");
    const request = await next(({ direction, path }) => direction === "in" && path === "/forbidden");
    assert.deepEqual(
      [request.status, request.outcome],
      [403, "denied by rule 0 of AuthorizationPolicy test/forbidden"],
    );
    await client.tcp({ host: "echo", port: 9001, until: "\n", timeoutMs: 2_000 });
    const connection = await next(({ direction, kind }) => direction === "in" && kind === "tcp");
    assert.equal(connection.outcome, "denied by rule 1 of AuthorizationPolicy test/forbidden");
  });

  test("response flags in words, with the object that decided", async () => {
    const { next } = await startTap(["client"], "client");
    await client.request("http://nobody/");
    const unreached = await next(({ authority }) => authority === "nobody");
    assert.equal(unreached.outcome, "UH: no healthy endpoint of nobody.test.svc.cluster.local");
    await client.request("http://closed/");
    const failed = await next(({ authority, flags }) => authority === "closed" && flags.includes("UF"));
    assert.match(failed.outcome ?? "", /UF: no connection to 10\.[\d.]+:7999/);
    await client.request("http://echo/broken");
    const aborted = await next(({ path }) => path === "/broken");
    assert.equal(aborted.outcome, "FI: aborted by the fault of VirtualService test/echo spec.http[0]");
    await client.many(40, { url: "http://narrow/slow", concurrency: 20 });
    const { outcome } = await next(({ flags }) => flags.includes("UO"));
    assert.equal(outcome, "UO: a limit in DestinationRule test/narrow: 1 connection, 1 pending request");
  });

  test("filters choose, and --max ends it", async () => {
    const { ended, shown } = await startTap(
      ["client"],
      "client",
      "--status",
      "5xx",
      "--path",
      "/b",
      "--max",
      "2",
    );
    for (const path of ["/broken", "/ok", "/broken/2", "/broken/3"])
      await client.request(`http://echo${path}`);
    assert.deepEqual(await ended, [0, null]);
    assert.deepEqual(
      shown.map(({ path }) => path),
      ["/broken", "/broken/2"],
    );
  });

  test("a line for people", async () => {
    const tap = meltemi(mesh, "tap", "client", "--path", "/for-people", "--max", "1");
    await eventually(async () => assert.equal(await tappedPercent("client"), 100));
    await client.request("http://echo/for-people?secret");
    assert.match(
      (await tap).stdout,
      /^\d\d:\d\d:\d\d\.\d{3} {2}out {2}test\/client -> test\/echo-v1 {2}GET echo\/for-people\?… {2}200 {2}\d+ ms {2}\d+ B\/\d+ B {2}mTLS {2}route plain of VirtualService test\/echo spec\.http\[1\]\n$/,
    );
  });

  test("what is asked wrongly is said", async () => {
    for (const [words, message] of [
      [["client", "--status", "abc"], /Cannot tap: status "abc" isn't one such as 503, 5xx/],
      [
        ["client", "--header", "authorization"],
        /Cannot tap: header "authorization" can't be shown: user-agent, /,
      ],
      [["client", "--max", "0"], /--max takes a number above 0/],
      [["client", "-o", "yaml"], /-o takes json/],
    ] as const) {
      const { code, stderr } = await meltemi(mesh, "tap", ...words);
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
    }
    const { code, stderr } = await meltemi(mesh, "tap", "legacy");
    assert.equal(code, 1);
    assert.match(stderr, /No pod of "legacy" runs with a proxy to tap/);
  });

  test("no listener changes for a tap, and none is left of one whose command is killed", async () => {
    const listeners = () => meltemi(mesh, "proxy-config", "listener", "client", "-n", "test", "-o", "json");
    const before = (await listeners()).stdout;
    const { child } = await startTap(["client"], "client");
    assert.equal((await listeners()).stdout, before);
    child.kill("SIGKILL");
    await eventually(async () => assert.equal(await tappedPercent("client"), 0));
  });

  test("an Envoy that was started again is tapped again", async () => {
    const { next } = await startTap(["client"], "client");
    const [pod] = await mesh.pods("client");
    const envoy = pod?.containers.find(({ name }) => name === "istio-proxy")?.pid;
    const killing = `process.kill(Number(require("node:fs").readdirSync("/proc").find((pid) => { try { return require("node:fs").readFileSync("/proc/" + pid + "/comm", "utf8").trim() === "envoy"; } catch { return false; } })), "SIGKILL")`;
    const [command, ...args] = await mesh.exec("client", [process.execPath, "-e", killing], {
      container: "istio-proxy",
    });
    await promisify(execFile)(command, args);
    await eventually(async () => {
      const [again] = await mesh.pods("client");
      assert.notEqual(again?.containers.find(({ name }) => name === "istio-proxy")?.pid, envoy);
    });
    await eventually(async () => assert.equal(await tappedPercent("client"), 100));
    await eventually(async () => assert.equal((await client.request("http://echo/after")).status, 200));
    await next(({ path }) => path === "/after");
  });

  test("no other pod can tap", async () => {
    const [pod] = await mesh.pods("client");
    for (const [workload, container] of [
      ["legacy", undefined],
      ["echo-v1", undefined],
    ] as const) {
      const script = `fetch("http://${pod?.ip}:15020/tap").then((answer) => console.log(answer.status), (error) => console.log(error.cause?.code))`;
      const choices = container === undefined ? {} : { container };
      const [command, ...args] = await mesh.exec(workload, [process.execPath, "-e", script], choices);
      assert.notEqual((await promisify(execFile)(command, args)).stdout.trim(), "200", workload);
    }
    const own = `fetch("http://127.0.0.1:15020/tap").then((answer) => { console.log(answer.status); process.exit(); })`;
    const [command, ...args] = await mesh.exec("client", [process.execPath, "-e", own], {
      container: "istio-proxy",
    });
    assert.equal((await promisify(execFile)(command, args)).stdout.trim(), "200", "a port-forward comes so");
    await eventually(async () => assert.equal(await tappedPercent("client"), 0));
  });

  test("no client can forge what a tap shows", async () => {
    const { next, shown } = await startTap(["echo-v1"], "echo-v1", "--show-query", "--header", "user-agent");
    const [pod] = await mesh.pods("echo-v1");
    const forged = tapFormat("http", { side: "m", startMs: "1", status: "200", path: "/forged" });
    const script = `
      const forged = ${JSON.stringify(forged)};
      const [net, tls] = [require("node:net"), require("node:tls")];
      const end = (socket) => new Promise((resolve) => socket.on("error", resolve).on("close", resolve).resume());
      const plain = net.connect(8080, "${pod?.ip}", () => plain.end("GET / HTTP/1.1\\r\\nhost: echo\\r\\nuser-agent: a" + forged + "\\r\\n\\r\\n"));
      const named = tls.connect({ host: "${pod?.ip}", port: 9000, servername: "a\\n" + forged, rejectUnauthorized: false });
      setTimeout(() => named.destroy(), 300);
      Promise.all([end(plain), end(named)]).then(() => console.log("ended"));
    `;
    const [command, ...args] = await mesh.exec("legacy", [process.execPath, "-e", script]);
    assert.match((await promisify(execFile)(command, args)).stdout, /ended/);
    await (await mesh.client("legacy")).request({
      url: `http://${pod?.ip}:8080/honest`,
      headers: { "user-agent": "é" },
    });
    await next(({ path }) => path === "/honest");
    assert.ok(
      shown.every(({ path }) => path !== "/forged"),
      JSON.stringify(shown),
    );
  });

  test("a hundred taps and one who doesn't read: traffic goes on, memory is bounded, and what was dropped is told", async () => {
    const [pod] = await mesh.pods("client");
    const memory = async () => {
      const { processes } = await mesh.report();
      return processes.find(({ name }) => name === "supervisor")?.memoryBytes ?? 0;
    };
    const open = () => openTap(join(mesh.stateDirectory, "supervisor.sock"), pod?.name ?? "");
    const readers = await Promise.all(Array.from({ length: 100 }, open));
    const slow = await open();
    slow.socket.pause();
    try {
      await eventually(async () => assert.equal(await tappedPercent("client"), 100));
      await client.many(500, { url: "http://echo/load", concurrency: 4 });
      const before = await memory();
      const { byStatus } = await client.many(8_000, { url: "http://echo/load", concurrency: 4 });
      assert.deepEqual(byStatus, { 200: 8_000 });
      // Of lines that are written last, all have heard.
      await client.request("http://echo/last");
      await eventually(() => {
        for (const reader of readers) assert.match(reader.text(), /"\/last"|"dropped"/);
      });
      const grownBytes = (await memory()) - before;
      assert.ok(grownBytes < 100 * 1_048_576, `${grownBytes} bytes more`);
      slow.socket.resume();
      await eventually(() => {
        const items = slow.items();
        const dropped = items.reduce((sum, item) => sum + ("dropped" in item ? item.dropped : 0), 0);
        const shown = items.filter((item) => "path" in item).length;
        assert.ok(dropped > 0 && shown > 0, `${shown} shown, ${dropped} dropped`);
        assert.equal(dropped + shown, 8_501);
      });
    } finally {
      for (const { socket } of [...readers, slow]) socket.destroy();
    }
    await eventually(async () => assert.equal(await tappedPercent("client"), 0));
  });
});

/** As the command asks the supervisor, with the last 64 kB of what came; resolves when the tap is open. */
async function openTap(path: string, pod: string) {
  const socket = connect(path);
  let text = "";
  let isSlow = false;
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => {
    text = isSlow ? text + chunk : (text + chunk).slice(-65_536);
  });
  socket.on("error", () => undefined);
  socket.on("pause", () => {
    isSlow = true;
  });
  socket.write(`GET /tap?namespace=test&pod=${pod}&to=echo HTTP/1.1\r\nhost: mesh\r\n\r\n`);
  await eventually(() => assert.match(text, /200 OK/));
  return {
    socket,
    text: () => text,
    items: () =>
      text
        .split("\n")
        .flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as TapEvent | TapLoss] : [])),
  };
}
