// Istio's task "Ingress Gateways": two paths of one host, then one path of any host.

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../mesh/eventually.ts";
import type { TaskMesh } from "./task-mesh.ts";

/** Declares the steps as tests; to be called in a suite of their own. */
export function tryIngressControl(tasksOf: () => TaskMesh): void {
  test("1-one-host: what the routes name is served, the rest isn't found", async (t) => {
    const tasks = tasksOf();
    await tasks.apply("ingress-control/1-one-host");
    const served = await eventually(async () => {
      const { stdout } = await tasks.curlGateway("http://httpbin.example.com/status/200", "-I");
      assert.match(stdout, /^HTTP\/1\.1 200 OK\r\n/);
      return stdout;
    });
    assert.match(served, /^server: istio-envoy\r$/m);
    const other = await tasks.curlGateway("http://httpbin.example.com/headers", "-I");
    assert.match(other.stdout, /^HTTP\/1\.1 404 Not Found\r\n/);
    const otherHost = await tasks.curlGateway("http://other.example.com/status/200", "-I");
    assert.match(otherHost.stdout, /^HTTP\/1\.1 404 Not Found\r\n/);
    t.diagnostic("httpbin.example.com/status/200: 200 by istio-envoy; /headers: 404; another host: 404");
  });

  test("2-any-host: /headers is served whatever the host", async (t) => {
    const tasks = tasksOf();
    await tasks.apply("ingress-control/2-any-host");
    const { stdout } = await eventually(async () => {
      const answer = await tasks.curlGateway("http://any.example.org/headers");
      assert.match(answer.stdout, /"Host": "any\.example\.org"/);
      return answer;
    });
    t.diagnostic(`any.example.org/headers: ${stdout.replaceAll(/\s+/g, " ")}`);
  });
}
