// Istio's task "Egress Gateways with TLS Origination": mutual TLS to the gateway, HTTPS from there, with a certificate
// where it is asked for.

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../mesh/eventually.ts";
import { getPolitics, REDIRECTED } from "./politics.ts";
import { loggedLine } from "./proxy-log.ts";
import type { TaskMesh } from "./task-mesh.ts";

const GATEWAY = "istio-system/istio-egressgateway";

/** Declares the steps as tests; to be called in a suite of their own. */
export function tryEgressGatewayTlsOrigination(tasksOf: () => TaskMesh): void {
  test("1-entry: HTTP is redirected to HTTPS", async (t) => {
    await tasksOf().apply("egress-gateway-tls-origination/1-entry");
    await eventually(async () => assert.deepEqual(await getPolitics(tasksOf()), REDIRECTED));
    t.diagnostic(`http: ${REDIRECTED.join(", then ")}`);
  });

  test("2-gateway: HTTP is answered at once, by way of the gateway", async (t) => {
    await tasksOf().apply("egress-gateway-tls-origination/2-gateway");
    await eventually(async () => assert.deepEqual(await getPolitics(tasksOf()), ["HTTP/1.1 200 OK"]));
    const pattern = /"GET \/politics HTTP\/[12.]+" 200 .* outbound\|443\|\|edition\.cnn\.com /;
    t.diagnostic(
      `http: HTTP/1.1 200 OK alone; by the gateway: ${await loggedLine(tasksOf(), GATEWAY, pattern)}`,
    );
  });

  test("3-mutual: a server that wants a certificate welcomes the gateway's", async (t) => {
    const { apply, curl } = tasksOf();
    const host = "my-nginx.mesh-external.svc.cluster.local";
    await apply("secrets/mesh-external", "apps/mesh-external", "secrets/client-credential-gateway");
    await apply("egress-gateway-tls-origination/3-mutual");
    await eventually(async () => {
      const { stdout, stderr } = await curl("default/curl", `http://${host}`);
      assert.match(stdout, /<title>Welcome to nginx!<\/title>/, stderr);
    });
    // The rule with the gateway's certificate isn't the sidecar's: it passes on TLS that isn't its own.
    const direct = await curl("default/curl", "-k", `https://${host}`);
    assert.match(direct.stdout, /No required SSL certificate was sent/, direct.stderr);
    const pattern = new RegExp(`"GET / HTTP/[12.]+" 200 .* outbound\\|443\\|\\|${host} `);
    t.diagnostic(`Welcome to nginx!; by the gateway: ${await loggedLine(tasksOf(), GATEWAY, pattern)}`);
  });
}
