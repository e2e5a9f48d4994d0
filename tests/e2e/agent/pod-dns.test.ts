// A pod with ISTIO_META_DNS_CAPTURE: its application asks the cluster's resolver, and the agent answers what the mesh knows.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { namespaceSkip } from "../capture/pod-namespace.ts";
import { buildAgent } from "./built-agent.ts";
import { outputOf } from "./output-of.ts";

// What is asked, and the answer wanted: code and records.
const questions: readonly (readonly [name: string, type: string, transport: string, answer: RegExp])[] = [
  ["reviews.shop.svc.cluster.local", "A", "udp", /^NOERROR A 10\.96\.0\.1$/],
  ["reviews.shop.svc.cluster.local", "AAAA", "udp", /^NOERROR$/],
  ["one.db.example", "A", "udp", /^NOERROR A 240\.240\.\d+\.\d+$/],
  ["two.db.example", "A", "tcp", /^NOERROR A 240\.240\.\d+\.\d+$/],
  ["one.db.example.shop.svc.cluster.local", "A", "udp", /^NOERROR CNAME one\.db\.example A 240\.240\./],
  ["a.b.wild.example", "A", "udp", /^NOERROR A 10\.97\.0\.5$/],
  ["a.b.wild.example", "AAAA", "tcp", /^NOERROR AAAA fd00:97::5$/],
  ["one.db.example", "MX", "udp", /^NOERROR$/],
  ["private.example", "A", "udp", /^NXDOMAIN$/],
  ["outside.example", "A", "udp", /^NOERROR A 192\.0\.2\.9$/],
];

test("an agent answers its pod's DNS from the mesh's names", { skip: namespaceSkip }, async (t) => {
  const agent = await buildAgent();
  t.after(() => agent.remove());
  const program = fileURLToPath(new URL("pod-dns.ts", import.meta.url));
  const paths = [agent.directory, agent.programPath, agent.envoyPath];
  const asked = JSON.stringify(questions.map(([name, type, transport]) => [name, type, transport]));
  const argv = ["--net", process.execPath, "--import", "tsx", program, ...paths, asked];
  const seen = JSON.parse(await outputOf("unshare", argv));
  assert.equal(seen.captured.code, 0, seen.captured.stderr);
  assert.equal(seen.waited.code, 0, seen.log);
  for (const [index, [name, type, , answer]] of questions.entries())
    assert.match(seen.answers[index] ?? "", answer, `${type} of ${name}\n${seen.asked.stderr}\n${seen.log}`);
  assert.notEqual(seen.answers[2], seen.answers[3], "hosts without addresses are told apart");
  assert.deepEqual(
    seen.heard,
    ["one.db.example", "private.example", "outside.example"],
    "nobody else is asked for addresses of the mesh's hosts",
  );
  assert.equal(seen.exitCode, 0, seen.log);
});
