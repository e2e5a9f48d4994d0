import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { testCluster, whyNoTestCluster } from "./cluster/open-cluster.ts";
import { callerPod, echoDeployment, echoService } from "./echo-application.ts";
import type { Meltemi } from "./meltemi-command.ts";
import { meltemiAgainst } from "./meltemi-command.ts";
import type { TestNamespace } from "./test-namespace.ts";
import { createTestNamespace } from "./test-namespace.ts";

const skip = whyNoTestCluster();
const REPLICAS = 10;

describe("a rolling update on a cluster", { skip }, () => {
  let meltemi: Meltemi;
  let namespace: TestNamespace;

  before(async () => {
    const cluster = testCluster();
    meltemi = meltemiAgainst(cluster);
    await meltemi(["install", "--profile", "minimal", "--timeout", "120s"]);
    const labels = { "istio-injection": "enabled" };
    namespace = await createTestNamespace(cluster, `rolling-update-${process.pid}`, labels);
    await namespace.apply([echoOf("native"), echoService(), callerPod("client")]);
    await namespace.waitForRollout("deployment/echo");
    await namespace.waitFor("condition=Ready", "pod/client");
  });

  after(async () => {
    await namespace?.close();
    await meltemi(["uninstall", "--yes", "--purge"]);
  });

  // Between them the two updates end pods with either kind of sidecar, and start them.
  for (const [ending, starting] of [
    ["native", "classic"],
    ["classic", "native"],
  ] as const) {
    test(`of ${REPLICAS} pods from ${ending} to ${starting} sidecars fails no request`, async () => {
      const oldPods = await namespace.list<Named>("pods", "app=echo");
      assert.equal(oldPods.length, REPLICAS);
      const client = namespace.client("client");
      const load = await client.load({ url: "http://echo/", connections: 4, pauseMs: 10 });
      await namespace.apply([echoOf(starting)]);
      await namespace.waitForRollout("deployment/echo");
      // Those that are ending could still fail a request.
      await namespace.waitFor("delete", ...oldPods.map(({ metadata }) => `pod/${metadata.name}`));
      const { failures, byPod, byStatus } = await load.stop();
      assert.deepEqual(failures, [], JSON.stringify(byStatus));
      assert.ok(Object.keys(byPod).length > REPLICAS, "both old and new pods were asked");
    });
  }
});

function echoOf(sidecars: "native" | "classic"): object {
  const annotations = { "sidecar.istio.io/nativeSidecar": String(sidecars === "native") };
  return echoDeployment({ replicas: REPLICAS, annotations, endsGently: true });
}

interface Named {
  readonly metadata: { readonly name: string };
}
