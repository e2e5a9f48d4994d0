// Pods without IPv4, and pods of both families: an application calls another, through both proxies, over mTLS.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { namespaceSkip } from "../capture/pod-namespace.ts";
import { buildAgent } from "./built-agent.ts";
import { outputOf } from "./output-of.ts";
import { type PairFamilies, SERVICE_IPV4, SERVICE_IPV6 } from "./pod-pair-network.ts";

const HTTP_IPV6 = `http://[${SERVICE_IPV6}]:9080/`;
const TCP_IPV6 = `http://[${SERVICE_IPV6}]:9081/`;
const HTTP_IPV4 = `http://${SERVICE_IPV4}:9080/`;
const TCP_IPV4 = `http://${SERVICE_IPV4}:9081/`;

interface Answer {
  readonly from: string;
  readonly to: string;
  readonly caller: string;
}

test("pods without IPv4 call each other over mTLS", { skip: namespaceSkip }, async (t) => {
  const [http, tcp, ...direct] = await callsBetween(t, "ipv6", [
    HTTP_IPV6,
    TCP_IPV6,
    "http://[fd09::2]:9080/",
  ]);
  assert.match(http?.caller ?? "", /URI=spiffe:\/\/cluster\.local\/ns\/shop\/sa\/client/);
  for (const answer of [http, tcp, ...direct])
    assert.deepEqual([answer?.from, answer?.to], ["::6", "fd09::2"], "the server's sidecar calls its app");
});

test("pods of both IP families call each other over both", { skip: namespaceSkip }, async (t) => {
  const byService = [HTTP_IPV4, HTTP_IPV6, TCP_IPV4, TCP_IPV6];
  const byPod = ["http://10.9.0.2:9080/", "http://[fd09::2]:9080/"];
  const answers = await callsBetween(t, "dual", [...byService, ...byPod]);
  for (const { caller } of answers.slice(0, 2))
    assert.match(caller, /URI=spiffe:\/\/cluster\.local\/ns\/shop\/sa\/client/);
  assert.deepEqual(
    answers.slice(byService.length).map(({ from, to }) => [from, to]),
    [
      ["::ffff:127.0.0.6", "::ffff:10.9.0.2"],
      ["::6", "fd09::2"],
    ],
  );
});

async function callsBetween(
  t: TestContext,
  families: PairFamilies,
  urls: readonly string[],
): Promise<readonly Answer[]> {
  const agent = await buildAgent();
  t.after(() => agent.remove());
  const program = fileURLToPath(new URL("pod-pair.ts", import.meta.url));
  const given = [agent.directory, agent.programPath, agent.envoyPath, families, JSON.stringify(urls)];
  const argv = ["--net", process.execPath, "--import", "tsx", program, ...given];
  const seen = JSON.parse(await outputOf("unshare", argv));
  for (const { code, stderr } of seen.captured) assert.equal(code, 0, stderr);
  assert.deepEqual(seen.waited, [0, 0], seen.log);
  assert.equal(seen.probe.code, 0, `${seen.probe.stdout}${seen.probe.stderr}`);
  assert.deepEqual(seen.exitCodes, [0, 0], seen.log);
  return seen.answers.map((answer: string, at: number) => {
    assert.match(answer, /^\{/, `${urls[at]}: ${answer}\n${seen.listeners}\n${seen.log}`);
    return JSON.parse(answer);
  });
}
