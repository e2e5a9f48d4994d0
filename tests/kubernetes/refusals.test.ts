// Who has a pod's own credentials and refuses everything: what the other pods get doesn't depend on it.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eventually } from "../e2e/mesh/eventually.ts";
import type { Load, PodClient } from "../e2e/mesh/pod-client.ts";
import { startProxy } from "../protocol/plane-under-test.ts";
import type { Cluster } from "./cluster/open-cluster.ts";
import { testCluster, whyNoTestCluster } from "./cluster/open-cluster.ts";
import { callerPod, echoDeployment, echoService } from "./echo-application.ts";
import { assertUnbroken, editRoute, untilSeen } from "./edited-route.ts";
import type { Meltemi } from "./meltemi-command.ts";
import { meltemiAgainst } from "./meltemi-command.ts";
import { withPortForward } from "./port-forward.ts";
import type { TestNamespace } from "./test-namespace.ts";
import { createTestNamespace } from "./test-namespace.ts";

const skip = whyNoTestCluster();
const system = "meltemi-system";

describe("a pod that refuses everything", { skip }, () => {
  let cluster: Cluster;
  let meltemi: Meltemi;
  let namespace: TestNamespace;
  let client: PodClient;
  let load: Load;
  let isInstalled = false;

  before(async () => {
    cluster = testCluster();
    meltemi = meltemiAgainst(cluster);
    isInstalled = true;
    await meltemi(["install", "--profile", "minimal", "--replicas", "1", "--timeout", "180s"]);
    const labels = { "istio-injection": "enabled" };
    namespace = await createTestNamespace(cluster, `refusals-test-${process.pid}`, labels);
    await namespace.apply([echoDeployment(), echoService(), callerPod("client"), callerPod("rogue")]);
    await namespace.waitForRollout("deployment/echo");
    await namespace.waitFor("condition=Ready", "pod/client", "pod/rogue");
    client = namespace.client("client");
    load = await client.load({ url: "http://echo/", connections: 2, pauseMs: 20 });
  });

  after(async () => {
    await namespace?.close();
    if (isInstalled) await meltemi(["uninstall", "--yes", "--purge"]);
  });

  /** Of the pod's ServiceAccount, bound to the pod, as kubelet gives it. */
  const tokenOf = async (pod: string) => {
    const bound = ["--bound-object-kind", "Pod", "--bound-object-name", pod];
    const created = ["create", "token", "default", "--audience", "istio-ca", ...bound];
    return (await cluster.kubectl(["-n", namespace.name, ...created])).trim();
  };

  const fieldOf = async (object: string, path: string) =>
    (await cluster.kubectl(["-n", namespace.name, "get", object, "-o", `jsonpath=${path}`])).trim();

  const controlPlane = async () => {
    const selector = ["-l", "app=istiod,istio.io/rev=default", "-o", "jsonpath={.items[0].metadata.name}"];
    return (await cluster.kubectl(["-n", system, "get", "pods", ...selector])).trim();
  };

  test("keeps no edit and no cluster from others, and is named in the object's status", async (t) => {
    await editRoute(namespace, "before");
    await untilSeen(load, "before");
    const place = { namespace: system, pod: await controlPlane(), port: 15012 };
    const credentials = { token: await tokenOf("rogue") };
    const ip = await fieldOf("pod/rogue", "{.status.podIP}");
    const nodeId = `sidecar~${ip}~rogue.${namespace.name}~${namespace.name}.svc.cluster.local`;
    await withPortForward(cluster, place, async (port) => {
      const rogue = startProxy(t, port, {
        name: "rogue",
        node: { id: nodeId, metadata: { NAMESPACE: namespace.name, SERVICE_ACCOUNT: "default" } },
        credentials,
        wants: { cluster: "all", listener: "all", route: ["80"] },
        refuses: ({ name }) => `Error adding/updating ${name}: no such thing`,
      });
      await rogue.until("refused it all", () => {
        const refused = new Set(rogue.responses.map(({ type }) => type));
        return ["cluster", "listener", "route"].every((type) => refused.has(type));
      });
      for (const edit of ["one", "two"]) {
        await editRoute(namespace, edit);
        await untilSeen(load, edit);
      }
      const message = '{.status.conditions[?(@.type=="Programmed")].message}';
      await eventually(
        async () => assert.match(await fieldOf("virtualservice/echo", message), /refused by rogue\./),
        { deadlineMs: 30_000 },
      );
      const newcomer = callerPod("newcomer");
      await namespace.apply([newcomer]);
      await namespace.waitFor("condition=Ready", "pod/newcomer");
      const { status, headers } = await namespace.client("newcomer").request("http://echo/");
      assert.deepEqual([status, headers["x-edit"]], [200, "two"]);
    });
    await assertUnbroken(load);
  });
});
