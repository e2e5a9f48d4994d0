// Istio's task "Accessing External Services": all of them, none, those that are known, and one with a timeout.

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../mesh/eventually.ts";
import { loggedLine } from "./proxy-log.ts";
import type { TaskMesh } from "./task-mesh.ts";

const HANDSHAKE_FAILED = 35;
const sites = ["https://www.google.com", "https://edition.cnn.com"] as const;

/** Declares the steps as tests; to be called in a suite of their own. */
export function tryEgressControl(tasksOf: () => TaskMesh): void {
  const curl = (...args: readonly string[]) => tasksOf().curl("default/curl", ...args);

  test("without a policy, services that nobody named are reached", async (t) => {
    for (const site of sites) {
      const { stdout, stderr } = await curl("-I", site);
      assert.match(stdout, /^HTTP\/2 200/, stderr);
    }
    t.diagnostic(`${sites.join(" and ")}: HTTP/2 200`);
  });

  test("1-registry-only: nothing that nobody named is reached", async (t) => {
    await tasksOf().apply("egress-control/1-registry-only");
    for (const site of sites) {
      await eventually(async () => assert.equal((await curl("-I", site)).code, HANDSHAKE_FAILED));
    }
    const plain = await curl("-o", "/dev/null", "-w", "%{http_code}", "http://httpbin.org/headers");
    assert.equal(plain.stdout, "502");
    t.diagnostic(`${sites.join(" and ")}: exit code 35; http://httpbin.org: 502`);
  });

  test("2-http: httpbin.org is reached, and its route is in the sidecar's log", async (t) => {
    await tasksOf().apply("egress-control/2-http");
    const headers = await eventually(async () => {
      const { stdout } = await curl("http://httpbin.org/headers");
      assert.match(stdout, /"Host": "httpbin\.org"/);
      return JSON.parse(stdout).headers as Readonly<Record<string, string>>;
    });
    // Who calls is nobody's business outside.
    assert.equal(headers["X-Forwarded-Client-Cert"], undefined);
    const line = await loggedLine(tasksOf(), "default/curl", /"GET \/headers HTTP\/1\.1" 200 .*httpbin\.org/);
    assert.match(line, / outbound\|80\|\|httpbin\.org /);
    t.diagnostic(`by the sidecar: ${line}`);
  });

  test("3-https: www.google.com is reached, edition.cnn.com still isn't", async (t) => {
    await tasksOf().apply("egress-control/3-https");
    const [google, cnn] = sites;
    await eventually(async () => assert.match((await curl("-I", google)).stdout, /^HTTP\/2 200/));
    assert.equal((await curl("-I", cnn)).code, HANDSHAKE_FAILED);
    const line = await loggedLine(tasksOf(), "default/curl", / outbound\|443\|\|www\.google\.com /);
    assert.match(line, / www\.google\.com -$/);
    t.diagnostic(`by the sidecar: ${line}`);
  });

  test("4-timeout: httpbin.org has 3 seconds for an answer that takes it 5", async (t) => {
    await tasksOf().apply("egress-control/4-timeout");
    const format = "%{http_code} %{time_total}";
    const { stdout } = await eventually(async () => {
      const answer = await curl("-o", "/dev/null", "-w", format, "http://httpbin.org/delay/5");
      assert.match(answer.stdout, /^504 3\./);
      return answer;
    });
    t.diagnostic(`http://httpbin.org/delay/5: ${stdout} s`);
  });
}
