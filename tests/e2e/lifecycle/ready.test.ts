// "ready" means ready: who connects to the control plane's ports before is held, not cut, and who reads the word is served
// at once.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { projectPath } from "../../../src/process/project.ts";
import { eventually } from "../mesh/eventually.ts";
import { skipWithoutMesh as skip } from "../mesh/running-mesh.ts";

const manifest = `apiVersion: v1
kind: Pod
metadata: {name: alone, labels: {sidecar.istio.io/inject: "false"}}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: app, image: none, command: [sleep, "1000"]}]
`;

/** A mesh on its way: its ports are told before it serves. */
async function startUp(t: TestContext) {
  execFileSync(process.execPath, [projectPath("tools/build.mjs")]);
  const directory = await mkdtemp(join(tmpdir(), "mlt-ready-"));
  const file = join(directory, "alone.yaml");
  await writeFile(file, manifest);
  const args = ["up", file, "--name", `ready-${process.pid}`, "--xds-port", "0", "--admin-port", "0"];
  const child = spawn(process.execPath, [projectPath("bin/meltemi.mjs"), ...args], {
    env: { ...process.env, MELTEMI_STATE_DIR: join(directory, "state"), NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "exit");
  t.after(async () => {
    child.kill("SIGINT");
    await ended;
    await rm(directory, { recursive: true, force: true });
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8");
    });
  }
  const isReady = () => /^ready: 1 pods$/m.test(text);
  const portOf = (name: string) =>
    eventually(() => {
      const port = new RegExp(`port for ${name} is (\\d+)`).exec(text)?.[1];
      assert.ok(port !== undefined, text);
      return Number(port);
    });
  return { isReady, portOf };
}

function ping(t: TestContext, port: number): Promise<string> {
  return new Promise((resolve) => {
    const session = connect(`http://127.0.0.1:${port}`);
    t.after(() => session.destroy());
    session.on("error", (error) => resolve(error.message));
    session.on("close", () => resolve("closed"));
    // Answered by the server once it has taken the connection.
    session.once("remoteSettings", () => resolve("served"));
  });
}

function statusOf(port: number): Promise<number | string> {
  return new Promise((resolve) => {
    const request = get({ host: "127.0.0.1", port, path: "/ready", agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on("error", (error) => resolve(error.message));
  });
}

test("meltemi up holds connections that come before it is ready, and serves at once when it says so", {
  skip,
  timeout: 120_000,
}, async (t) => {
  const mesh = await startUp(t);
  const xds = await mesh.portOf("xds");
  const admin = await mesh.portOf("admin");
  const early = Promise.all([ping(t, xds), statusOf(admin)]);
  assert.ok(!mesh.isReady(), "they come before");
  await eventually(() => assert.ok(mesh.isReady()));
  const deadline = new Promise((resolve) => setTimeout(resolve, 5_000, "not at once").unref());
  assert.deepEqual(await Promise.race([Promise.all([ping(t, xds), statusOf(admin)]), deadline]), [
    "served",
    200,
  ]);
  assert.deepEqual(await early, ["served", 200]);
});
