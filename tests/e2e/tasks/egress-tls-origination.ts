// Istio's task "Egress TLS Origination": the sidecar speaks HTTPS where the application speaks HTTP, and shows a
// certificate where it is asked for one.

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../mesh/eventually.ts";
import { getPolitics, REDIRECTED, untilPoliticsSeen } from "./politics.ts";
import { loggedLine } from "./proxy-log.ts";
import type { TaskMesh } from "./task-mesh.ts";

/** Declares the steps as tests; to be called in a suite of their own. */
export function tryEgressTlsOrigination(tasksOf: () => TaskMesh): void {
  const untilAnswers = (wanted: readonly string[], scheme?: string) =>
    eventually(async () => assert.deepEqual(await getPolitics(tasksOf(), scheme), wanted));

  test("1-entry: HTTP is redirected to HTTPS", async (t) => {
    await tasksOf().apply("egress-tls-origination/1-entry");
    const pattern = / outbound\|80\|\|edition\.cnn\.com /;
    await untilPoliticsSeen(tasksOf(), REDIRECTED, { workload: "default/curl", pattern });
    t.diagnostic(`http: ${REDIRECTED.join(", then ")}`);
  });

  test("2-origination: HTTP is answered at once, HTTPS as before", async (t) => {
    await tasksOf().apply("egress-tls-origination/2-origination");
    await untilAnswers(["HTTP/1.1 200 OK"]);
    await untilAnswers(["HTTP/2 200"], "https");
    t.diagnostic("http: HTTP/1.1 200 OK alone; https: HTTP/2 200");
  });

  test("3-mutual: a server that wants a certificate welcomes the sidecar's", async (t) => {
    const { apply, curl } = tasksOf();
    const host = "my-nginx.mesh-external.svc.cluster.local";
    await apply("secrets/mesh-external", "apps/mesh-external", "egress-tls-origination/3-mutual");
    const anonymous = await eventually(async () => {
      const { stdout, stderr } = await curl("default/curl", "-k", `https://${host}`);
      assert.match(stdout, /No required SSL certificate was sent/, stderr);
      return stdout;
    });
    await apply("secrets/client-credential");
    await eventually(async () => {
      const { stdout, stderr } = await curl("default/curl", `http://${host}`);
      assert.match(stdout, /<title>Welcome to nginx!<\/title>/, stderr);
    });
    const line = await loggedLine(tasksOf(), "default/curl", new RegExp(` outbound\\|80\\|\\|${host} `));
    t.diagnostic(
      `http: Welcome to nginx!; https without a certificate: ${anonymous.trim()}; by the sidecar: ${line}`,
    );
  });
}
