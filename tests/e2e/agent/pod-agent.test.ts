// The pod's program on Kubernetes' terms: environment, files, users and capabilities as kubelet gives them, a real Envoy
// and a real control plane, in a network namespace of its own.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { namespaceSkip } from "../capture/pod-namespace.ts";
import { buildAgent } from "./built-agent.ts";
import { outputOf } from "./output-of.ts";

// 38 MB of it are pages of Node's own file, which all agents on a machine share. Garbage of scrapes comes on top until it
// is collected.
const MAX_AGENT_RSS_KB = 50 * 1024;
const MAX_SCRAPED_RSS_KB = 53 * 1024;

test("an injected pod lives from its init container to its end", { skip: namespaceSkip }, async (t) => {
  const agent = await buildAgent();
  t.after(() => agent.remove());
  const program = fileURLToPath(new URL("pod-life.ts", import.meta.url));
  const argv = ["--net", process.execPath, "--import", "tsx", program];
  const seen = await outputOf("unshare", [...argv, agent.directory, agent.programPath, agent.envoyPath]);
  const life = JSON.parse(seen);
  const { settledKb, scrapedKb } = life.memory;
  t.diagnostic(`agent: ${scrapedKb} kB scraped, ${settledKb} kB settled; stopped after ${life.stopMs} ms`);
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
  assert.ok(settledKb <= MAX_AGENT_RSS_KB, `the agent holds ${settledKb} kB`);
  assert.ok(scrapedKb <= MAX_SCRAPED_RSS_KB, `the agent holds ${scrapedKb} kB after scrapes`);
});
