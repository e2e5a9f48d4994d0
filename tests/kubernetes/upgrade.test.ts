// Control planes are replaced while an application talks through the mesh: in place, by a canary with a tag, back, and a
// whole namespace at once by `meltemi move`. Two revisions with one CA stand in for two meshes.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Load } from "../e2e/mesh/pod-client.ts";
import { type Cluster, testCluster, whyNoTestCluster } from "./cluster/open-cluster.ts";
import { untilReady } from "./control-plane-replicas.ts";
import { callerPod, echoDeployment, echoService } from "./echo-application.ts";
import { assertUnbroken, editRoute, untilSeen } from "./edited-route.ts";
import { type Meltemi, meltemiAgainst } from "./meltemi-command.ts";
import { createTestNamespace, type TestNamespace } from "./test-namespace.ts";

const skip = whyNoTestCluster();

describe("upgrades of the control plane under load", { skip }, () => {
  let cluster: Cluster;
  let meltemi: Meltemi;
  let namespace: TestNamespace;
  let load: Load;

  before(async () => {
    cluster = testCluster();
    meltemi = meltemiAgainst(cluster);
    await meltemi(["install", "--profile", "minimal", "--timeout", "120s"]);
    const labels = { "istio-injection": "enabled" };
    namespace = await createTestNamespace(cluster, `upgrade-test-${process.pid}`, labels);
    await namespace.apply([echoDeployment({ endsGently: true }), echoService(), callerPod("caller")]);
    await namespace.waitForRollout("deployment/echo");
    await namespace.waitFor("condition=Ready", "pod/caller");
    load = await namespace.client("caller").load({ url: "http://echo/", connections: 4, pauseMs: 10 });
    await editRoute(namespace, "first");
    await untilSeen(load, "first");
  });

  after(async () => {
    await namespace?.close();
    for (const revision of ["canary", "default"])
      await meltemi?.(["uninstall", "--yes", "--purge", "--revision", revision]).catch(unlessAbsent);
  });

  /** Of the control plane that the echo's pods belong to. */
  const revisionsOfPods = async () => {
    const pods = await namespace.list<EchoPod>("pods", "app=echo");
    const running = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    return new Set(running.map(({ spec }) => controlPlaneOf(spec)));
  };

  const restart = async () => {
    await namespace.kubectl(["rollout", "restart", "deployment/echo"]);
    await namespace.waitForRollout("deployment/echo");
  };

  test("in place: new pods of the control plane, no failed request", async () => {
    const before = await untilReady(cluster);
    // The same version changes nothing by itself.
    await cluster.kubectl(["-n", "meltemi-system", "rollout", "restart", "deployment/meltemi"]);
    await meltemi(["upgrade", "--profile", "minimal", "--timeout", "120s"]);
    const names = new Set((await untilReady(cluster)).map(({ name }) => name));
    assert.ok(before.every(({ name }) => !names.has(name)));
    await editRoute(namespace, "upgraded");
    await untilSeen(load, "upgraded");
    await assertUnbroken(load);
  });

  test("the tag default moves pods of istio-injection=enabled to the canary, and back", async () => {
    await meltemi(["install", "--profile", "demo", "--revision", "canary", "--timeout", "120s"]);
    await meltemi(["tag", "set", "default", "--revision", "canary"]);
    const [tag] = JSON.parse(await meltemi(["tag", "list", "-o", "json"]));
    assert.deepEqual([tag.tag, tag.revision], ["default", "canary"]);
    assert.ok(tag.namespaces.includes(namespace.name));
    await restart();
    assert.deepEqual(await revisionsOfPods(), new Set(["meltemi-canary"]));
    await editRoute(namespace, "canary");
    await untilSeen(load, "canary");
    await assert.rejects(meltemi(["uninstall", "--revision", "canary"]), /tag default points to it/);
    await meltemi(["tag", "remove", "default"]);
    await restart();
    assert.deepEqual(await revisionsOfPods(), new Set(["meltemi"]));
    await assertUnbroken(load);
  });

  test("a tag that is set while control planes run takes pods, and gives them to another", async () => {
    await meltemi(["tag", "set", "prod", "--revision", "canary"]);
    await meltemi(["move", namespace.name, "--to", "prod", "--timeout", "120s"]);
    assert.deepEqual(await revisionsOfPods(), new Set(["meltemi-canary"]));
    await meltemi(["tag", "set", "prod", "--revision", "default", "--overwrite"]);
    await restart();
    assert.deepEqual(await revisionsOfPods(), new Set(["meltemi"]));
    await assert.rejects(meltemi(["tag", "remove", "prod"]), /would start without a sidecar/);
  });

  test("meltemi move --back gives the namespace its label again", async () => {
    await meltemi(["move", namespace.name, "--back", "--timeout", "120s"]);
    const { metadata } = JSON.parse(
      await cluster.kubectl(["get", "namespace", namespace.name, "-o", "json"]),
    );
    assert.equal(metadata.labels["istio-injection"], "enabled");
    assert.equal(metadata.labels["istio.io/rev"], undefined);
    await meltemi(["tag", "remove", "prod"]);
    assert.deepEqual(await revisionsOfPods(), new Set(["meltemi"]));
    await assertUnbroken(load);
  });

  test("a revision that nothing uses is uninstalled, and the other goes on", async () => {
    await meltemi(["uninstall", "--revision", "canary"]);
    await editRoute(namespace, "last");
    await untilSeen(load, "last");
    await assertUnbroken(load);
  });
});

function unlessAbsent(error: Error): void {
  if (!error.message.includes("isn't installed")) throw error;
}

interface EchoPod {
  readonly metadata: { readonly deletionTimestamp?: string };
  readonly spec: PodSpec;
}

interface PodSpec {
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
}

interface Container {
  readonly name: string;
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
}

/** The Service that its sidecar asks. */
function controlPlaneOf({ containers, initContainers = [] }: PodSpec): string {
  const sidecar = [...containers, ...initContainers].find(({ name }) => name === "istio-proxy");
  const address = sidecar?.env?.find(({ name }) => name === "CA_ADDR")?.value ?? "";
  return address.split(".")[0] ?? "";
}
