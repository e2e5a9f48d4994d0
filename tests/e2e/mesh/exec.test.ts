// `meltemi exec` as people use it: with a terminal and without, in the application's container, in the proxy's, and in a
// gateway; the proxy is looked at by `pilot-agent request`, as Istio's pages do.

import assert from "node:assert/strict";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { execFileSync, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import type { TestContext } from "node:test";
import { after, before, test } from "node:test";
import { shellWord } from "../../../src/core/shell-word.ts";
import { projectPath } from "../../../src/process/project.ts";
import { eventually } from "./eventually.ts";
import { startOnTerminal } from "./on-terminal.ts";
import type { RunningMesh } from "./running-mesh.ts";
import { skipWithoutMesh as skip, startMesh } from "./running-mesh.ts";

const SECRET = "not-for-everybody";

const counted = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: counted, namespace: test }
spec:
  selector: { matchLabels: { app: counted } }
  template:
    metadata:
      labels: { app: counted }
      annotations:
        sidecar.istio.io/statsInclusionPrefixes: cluster.outbound
        prometheus.io/scrape: "true"
        prometheus.io/port: "8080"
        prometheus.io/path: /metrics
    spec:
      initContainers: [{ name: first, image: none, command: ["true"] }]
      containers:
        - name: app
          image: none
          env: [{ name: SECRET, value: ${SECRET} }]
          command:
            - ${process.execPath}
            - -e
            - require("http").createServer((_, answer) => answer.end("app_metric 1\\n")).listen(8080)
          readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 }
`;

let mesh: RunningMesh;

before(
  async () => {
    if (skip !== false) return;
    mesh = await startMesh({ manifests: ["gateway.yaml"], files: { "counted.yaml": counted } });
  },
  { timeout: 120_000 },
);
after(() => mesh?.close());

const command = [process.execPath, projectPath("bin/meltemi.mjs"), "exec"] as const;
const environment = () => ({ ...process.env, MELTEMI_STATE_DIR: mesh.stateDirectory, NO_COLOR: "1" });

function start(args: readonly string[]): ChildProcessWithoutNullStreams {
  const [program, ...words] = command;
  return spawn(program, [...words, ...args], { env: environment(), stdio: "pipe" });
}

async function exec(args: readonly string[], input = "") {
  const child = start(args);
  child.stdin.end(input);
  const closed = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [output, errors, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  return { exitCode, output, errors };
}

async function read(...args: readonly string[]): Promise<string> {
  const { exitCode, output, errors } = await exec(args);
  assert.equal(exitCode, 0, `${output}${errors}`);
  return output;
}

/** A line that runs `meltemi exec`, between others. */
function onTerminal(t: TestContext, args: readonly string[], { first = "true", then = "" } = {}) {
  const words = [...command, ...args].map(shellWord);
  return startOnTerminal(t, `${first}; ${words.join(" ")}${then}`, environment());
}

test("exec passes streams and the exit code", { skip }, async () => {
  const sent = "hello\n".repeat(9_999);
  assert.deepEqual(await exec(["client", "--", "cat"], sent), { exitCode: 0, output: sent, errors: "" });
  const ended = await exec(["-i", "client", "--", "sh", "-c", "echo out; echo err >&2; exit 7"]);
  assert.deepEqual(ended, { exitCode: 7, output: "out\n", errors: "err\n" });
});

test("exec -t without a terminal says that there is none", { skip }, async () => {
  const { exitCode, output, errors } = await exec(["-it", "client", "--", "sh", "-c", "tty; exit 3"]);
  assert.deepEqual([exitCode, output], [3, "not a tty\n"]);
  assert.equal(errors, "The command gets no terminal: standard input isn't one\n");
});

test("exec -it gives a terminal with the size of the one in front, and follows it", { skip }, async (t) => {
  const program = `
    const size = () => process.stdout.getWindowSize().join(" by ");
    process.stdout.on("resize", () => console.log("now " + size()));
    console.log(process.env.TERM + " of " + size());
    process.stdin.once("data", () => process.exit(5));`;
  const args = ["-it", "client", "--", process.execPath, "-e", program];
  const terminal = onTerminal(t, args, { first: "tty" });
  const [device] = await terminal.shown(/\/dev\/pts\/\d+/);
  await terminal.shown(/xterm-256color of 101 by 33\r\n/);
  execFileSync("stty", ["-F", device, "cols", "77"]);
  await terminal.shown(/now 77 by 33\r\n/);
  terminal.type("\r");
  assert.equal(await terminal.exitCode, 5);
});

test("exec -it gives a shell job control and Ctrl-C", { skip }, async (t) => {
  const terminal = onTerminal(t, ["-it", "client", "--", "sh", "-i"]);
  await terminal.shown(/[$#] /);
  terminal.type("tty\r");
  await terminal.shown(/\n\/dev\/pts\/\d+\r\n/);
  terminal.type("echo started; sleep 1000\r");
  await terminal.shown(/\nstarted\r\n/);
  terminal.type("\x03");
  await terminal.shown(/[$#] /);
  terminal.type("echo code $?; set -o | grep monitor; exit 6\r");
  await terminal.shown(/\ncode 130\r\n/);
  await terminal.shown(/monitor +on/);
  assert.equal(await terminal.exitCode, 6);
});

test("exec gives a terminal without flags where there is one at both ends, and none with -i alone", {
  skip,
}, async (t) => {
  const terminal = onTerminal(t, ["client", "--", "tty"]);
  await terminal.shown(/\/dev\/pts\/\d+\r\n/);
  assert.equal(await terminal.exitCode, 0);
  const piped = onTerminal(t, ["-i", "client", "--", "sh", "-c", "tty; read -r word; echo $word; tty <&1"]);
  await piped.shown(/not a tty\r\n/);
  piped.type("typed\r");
  await piped.shown(/typed\r\ntyped\r\nnot a tty\r\n/);
});

test("exec puts the terminal back when all in the pod is killed", { skip }, async (t) => {
  const program = "echo up; exec sleep 1000";
  const then = "; echo code $?; stty -a";
  const terminal = onTerminal(t, ["-it", "client", "--", "sh", "-c", program], { then });
  await terminal.shown(/up\r\n/);
  await exec(["client", "--", "sh", "-c", "kill -KILL -1"]);
  await terminal.shown(/code 137\r\n/);
  await terminal.shown(/\sopost /);
  await terminal.shown(/\sicanon .* echo /);
  await mesh.waitUntilInStep();
});

test("exec ends its command when it is told to end", { skip }, async () => {
  const child = start([
    "counted",
    "--",
    "sh",
    "-c",
    "trap 'exit 9' TERM; echo up; while :; do sleep 0.05; done",
  ]);
  await new Promise((resolve) => child.stdout.once("data", resolve));
  child.kill("SIGTERM");
  assert.equal(await new Promise((resolve) => child.once("close", resolve)), 9);
});

test("exec shows no variable of the container's to the machine's users", { skip }, async () => {
  const child = start(["counted", "--", "sh", "-c", "echo $SECRET; read -r _"]);
  const chunk = await new Promise<Buffer>((resolve) => child.stdout.once("data", resolve));
  assert.equal(chunk.toString(), `${SECRET}\n`);
  const processes = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const lines = processes.map((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    } catch {
      return ""; // It has ended.
    }
  });
  assert.ok(lines.some((line) => line.includes("echo $SECRET")));
  assert.deepEqual(
    lines.filter((line) => line.includes(SECRET)),
    [],
  );
  child.stdin.end("\n");
});

test("exec says that a container doesn't run", { skip }, async () => {
  for (const container of ["first", "istio-init", "none"]) {
    const { exitCode, errors } = await exec(["counted", "-c", container, "--", "true"]);
    assert.equal(exitCode, 1);
    assert.match(errors, new RegExp(`Pod "counted-.*" has no running container "${container}"`));
  }
});

test("exec asks a sidecar's Envoy by pilot-agent, as the proxy's user", { skip }, async () => {
  const inProxy = (...words: string[]) => read("counted", "-c", "istio-proxy", "--", ...words);
  assert.equal(await inProxy("id", "-u"), "1337\n");
  assert.match(await inProxy("pilot-agent", "request", "GET", "clusters"), /^xds-grpc::observability_name/m);
  const piped = "pilot-agent request GET server_info | grep '\"state\"'";
  assert.match(await inProxy("sh", "-c", piped), /"state": "LIVE"/);
  await inProxy("pilot-agent", "request", "POST", "logging?paths=router:debug");
  const wrong = await exec(["counted", "-c", "istio-proxy", "--", "pilot-agent", "request", "GET", "nope"]);
  assert.deepEqual([wrong.exitCode, wrong.errors], [1, "GET /nope: HTTP 404\n"]);
});

test("a proxy asks its agent once for each secret", { skip }, async () => {
  for (const workload of ["counted", "gateway"]) {
    const question = ["pilot-agent", "request", "GET", "config_dump?resource=dynamic_active_secrets"];
    const dump = JSON.parse(await read(workload, "-c", "istio-proxy", "--", ...question));
    const names = (dump as { configs: readonly { name: string }[] }).configs.map(({ name }) => name);
    assert.deepEqual(names.sort(), ["ROOTCA", "default"], workload);
  }
});

test("exec asks a gateway's Envoy, whose only container it is", { skip }, async () => {
  const listeners = await read("gateway", "--", "pilot-agent", "request", "GET", "listeners");
  assert.match(listeners, /^health::/m);
});

test("a proxy counts a cluster's requests from the first one, and shows the app's metrics with its own", {
  skip,
}, async () => {
  const asked = "stats?filter=outbound.*echo.*upstream_rq_total";
  const counts = () => read("counted", "-c", "istio-proxy", "--", "pilot-agent", "request", "GET", asked);
  const fetched = (url: string) => {
    const program = `fetch("${url}").then((answer) => answer.text()).then(console.log)`;
    return read("counted", "-c", "app", "--", process.execPath, "-e", program);
  };
  assert.equal(await counts(), "");
  await fetched("http://echo/");
  assert.match(await counts(), /^cluster\.outbound\|80\|\|echo\..*upstream_rq_total: 1\n$/);
  const metrics = await eventually(() => fetched("http://127.0.0.1:15020/stats/prometheus"));
  assert.match(metrics, /^app_metric 1$/m);
  assert.match(metrics, /^envoy_cluster_upstream_rq_total\{.*echo.*\} 1$/m);
});
