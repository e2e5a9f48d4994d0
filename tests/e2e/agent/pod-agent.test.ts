// The pod's program on Kubernetes' terms: environment, files, users and capabilities as kubelet gives them, a real Envoy
// and a real control plane, in a network namespace of its own.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { namespaceSkip } from "../capture/pod-namespace.ts";
import { buildAgent } from "./built-agent.ts";

// Node's own pages are 40 MB of it, which all agents on a machine share.
const MAX_AGENT_RSS_KB = 58 * 1024;

test("an injected pod lives from its init container to its end", { skip: namespaceSkip }, async (t) => {
  const agent = await buildAgent();
  t.after(() => agent.remove());
  const program = fileURLToPath(new URL("pod-life.ts", import.meta.url));
  const argv = ["--net", process.execPath, "--import", "tsx", program];
  const seen = await outputOf("unshare", [...argv, agent.directory, agent.programPath, agent.envoyPath]);
  const life = JSON.parse(seen);
  t.diagnostic(`agent: ${life.memory.join(", ")}; stopped after ${life.stopMs} ms`);
  assert.equal(life.uncaptured.code, 126, "a pod without capture is told by its exit code");
  assert.equal(life.captured.code, 0, life.captured.stderr);
  assert.equal(life.validated.code, 0, life.validated.stderr);
  assert.equal(life.waited.code, 0, life.log);
  assert.deepEqual(life.dump, { code: 0, hasCluster: true });
  const { caller, path } = JSON.parse(life.call);
  assert.equal(path, "/hello");
  assert.match(caller, /URI=spiffe:\/\/cluster\.local\/ns\/shop\/sa\/reviews/);
  assert.equal(life.probe, 0, "the app's probe is asked through the agent");
  assert.ok(life.metrics);
  assert.equal(life.drained, 0);
  assert.equal(life.exitCode, 0, life.log);
  assert.ok(life.stopMs >= 1000 && life.stopMs < 10_000, `drained for ${life.stopMs} ms`);
  assert.equal(life.cleaned, 0);
  assert.deepEqual(life.left, []);
  const rssKb = Number(/VmRSS:\s+(\d+)/.exec(life.memory.join(" "))?.[1]);
  assert.ok(rssKb <= MAX_AGENT_RSS_KB, `the agent holds ${rssKb} kB`);
});

function outputOf(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"], timeout: 90_000 });
  let text = "";
  child.stdout.on("data", (data) => {
    text += String(data);
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => (code === 0 ? resolve(text) : reject(new Error(`ended with ${code}`))));
  });
}
