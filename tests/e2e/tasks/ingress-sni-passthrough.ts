// Istio's task "Ingress Gateway without TLS Termination": TLS goes through the gateway to the server whose it is.

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../mesh/eventually.ts";
import type { TaskMesh } from "./task-mesh.ts";

/** Declares the steps as tests; to be called in a suite of their own. */
export function tryIngressSniPassthrough(tasksOf: () => TaskMesh): void {
  test("1-passthrough: nginx answers with its own certificate", async (t) => {
    const { apply, curlGateway, pem } = tasksOf();
    await apply("ingress-sni-passthrough/1-passthrough");
    const { stderr } = await eventually(async () => {
      const answer = await curlGateway(
        "https://nginx.example.com/",
        "-v",
        "--cacert",
        pem("example.com.crt"),
      );
      assert.match(answer.stdout, /<title>Welcome to nginx!<\/title>/, answer.stderr);
      return answer;
    });
    const [subject] = /subject: .*/.exec(stderr) ?? [];
    assert.match(subject ?? "", /CN ?= ?nginx\.example\.com/);
    const other = await curlGateway("https://other.example.com/", "--cacert", pem("example.com.crt"));
    assert.notEqual(other.code, 0, "a host that no route names has no server");
    t.diagnostic(`Welcome to nginx!; ${subject}; another host: ${other.stderr.trim()}`);
  });
}
