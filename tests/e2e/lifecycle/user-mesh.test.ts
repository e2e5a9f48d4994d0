// Issue 3, item 6: what an ordinary user's mesh can't do is said, and meshes side by side don't meet.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { eventually } from "../mesh/eventually.ts";
import { skipWithoutMesh as skip, startMesh } from "../mesh/running-mesh.ts";
import { startMachine, startMeshAsUser } from "./mesh-on-machine.ts";

const run = promisify(execFile);
const meltemi = fileURLToPath(new URL("../../../bin/meltemi.mjs", import.meta.url));
const manifest = fileURLToPath(new URL("../mesh/manifests/echo.yaml", import.meta.url));

test("without /dev/net/tun there is no way out of the mesh, which is said", { skip }, async (context) => {
  const mesh = await startMeshAsUser();
  context.after(() => mesh.close());
  assert.match(mesh.output(), /Pods can't reach the outside, because \/dev\/net\/tun can't be opened/);
  const client = await mesh.client("client");
  assert.equal((await client.request("http://echo/")).status, 200, "inside, all works");
  const outside = await client.tcp({ host: "192.0.2.77", port: 9, until: "x", timeoutMs: 1_000 });
  assert.equal(outside.received, "");
});

test("an ordinary user looks into pods, on terminals of theirs, and into proxies", {
  skip,
}, async (context) => {
  const mesh = await startMeshAsUser();
  context.after(() => mesh.close());
  const [script, ...words] = await mesh.exec("client", ["tty"], { terminal: "xterm" });
  assert.match((await run(script, words)).stdout, /^\/dev\/pts\/\d+\s+$/);
  const question = ["pilot-agent", "request", "GET", "server_info"];
  const [agent, ...args] = await mesh.exec("client", question, { container: "istio-proxy" });
  assert.match((await run(agent, args)).stdout, /"state": "LIVE"/);
});

test("an ordinary user's Prometheus finds the pods, in a file of theirs, and reaches them", {
  skip,
}, async (context) => {
  const mesh = await startMeshAsUser();
  context.after(() => mesh.close());
  const file = join(mesh.stateDirectory, "prometheus/targets.json");
  assert.equal((await stat(file)).uid, (await stat(mesh.stateDirectory)).uid);
  const groups = JSON.parse(await readFile(file, "utf8")) as readonly TargetGroup[];
  const group = groups.find(({ labels }) => labels.app === "client");
  const url = `http://${group?.targets[0]}${group?.labels.__metrics_path__}`;
  await eventually(async () => assert.equal((await mesh.machineClient().request(url)).status, 200));
});

interface TargetGroup {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

test("where ids can't be mapped, one sentence says what is missing and how to get it", {
  skip,
}, async (context) => {
  const machine = await startMachine({ user: { uid: 61_235, subordinateIds: false } });
  context.after(() => machine.close());
  const [program, ...args] = machine.enter([process.execPath, meltemi, "up", manifest]);
  const child = spawn(program, args, { env: { ...machine.env }, stdio: ["ignore", "ignore", "pipe"] });
  let text = "";
  child.stderr.on("data", (chunk: Buffer) => {
    text += chunk.toString("utf8");
  });
  const [code] = (await once(child, "close")) as [number | null];
  assert.equal(code, 3, text);
  assert.match(text, /needs user ids to map, and mesh-user has none: run `usermod --add-subuids .* as root/);
  assert.doesNotMatch(text, /\n\s+at /, "no stack trace");
});

test("two meshes of different names side by side don't meet", { skip }, async (context) => {
  const flags = ["--name", `e2e-${process.pid}-other`];
  const other = await startMesh({ flags, files: { "only-other.yaml": onlyOther } });
  context.after(() => other.close());
  const mesh = await startMesh();
  const root = (directory: string) => readFile(join(directory, "ca/root-cert.pem"), "utf8");
  assert.notEqual(await root(mesh.stateDirectory), await root(other.stateDirectory));
  const [client, otherClient] = await Promise.all([mesh.client("client"), other.client("client")]);
  assert.equal((await client.request("http://echo/")).status, 200);
  assert.equal((await otherClient.request("http://only-other/")).status, 200);
  // The meshes have the same ranges of addresses; each sees its own network alone.
  assert.match((await client.request("http://only-other/")).error ?? "", /ENOTFOUND|EAI_AGAIN/);
  const otherIps = (await other.pods("echo-v1")).map(({ ip }) => ip);
  assert.deepEqual(
    otherIps,
    (await mesh.pods("echo-v1")).map(({ ip }) => ip),
  );
  await mesh.close();
  await eventually(async () => assert.equal((await otherClient.request("http://echo/")).status, 200));
});

const onlyOther = `
apiVersion: v1
kind: Service
metadata: {name: only-other, namespace: test}
spec:
  selector: {app: echo}
  ports: [{name: http, port: 80, targetPort: 8080}]
`;
