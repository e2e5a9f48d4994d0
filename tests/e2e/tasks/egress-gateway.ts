// Istio's task "Egress Gateways": HTTP by way of the gateway, then HTTPS that passes through it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../mesh/eventually.ts";
import { getPolitics, REDIRECTED, untilPoliticsSeen } from "./politics.ts";
import type { TaskMesh } from "./task-mesh.ts";

const GATEWAY = "istio-system/istio-egressgateway";

/** Declares the steps as tests; to be called in a suite of their own. */
export function tryEgressGateway(tasksOf: () => TaskMesh): void {
  test("1-entry: the page is reached without the gateway", async (t) => {
    await tasksOf().apply("egress-gateway/1-entry");
    await eventually(async () => assert.deepEqual(await getPolitics(tasksOf()), REDIRECTED));
    t.diagnostic(`http: ${REDIRECTED.join(", then ")}`);
  });

  test("2-http: the redirect comes by way of the gateway", async (t) => {
    await tasksOf().apply("egress-gateway/2-http");
    const pattern = /"GET \/politics HTTP\/[12.]+" 301 .* outbound\|80\|\|edition\.cnn\.com /;
    const line = await untilPoliticsSeen(tasksOf(), REDIRECTED, { workload: GATEWAY, pattern });
    t.diagnostic(`by the gateway: ${line}`);
  });

  test("3-tls-entry: HTTPS is reached without the gateway", async (t) => {
    await tasksOf().cleanUp();
    await tasksOf().apply("egress-gateway/3-tls-entry");
    await eventually(async () => assert.deepEqual(await getPolitics(tasksOf(), "https"), ["HTTP/2 200"]));
    t.diagnostic("https: HTTP/2 200");
  });

  test("4-https: HTTPS passes through the gateway", async (t) => {
    await tasksOf().apply("egress-gateway/4-https");
    const pattern = /"- - -" 0 - .* outbound\|443\|\|edition\.cnn\.com .* edition\.cnn\.com -$/;
    const seen = { workload: GATEWAY, pattern, scheme: "https" };
    t.diagnostic(`by the gateway: ${await untilPoliticsSeen(tasksOf(), ["HTTP/2 200"], seen)}`);
  });
}
