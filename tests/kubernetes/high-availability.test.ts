// The control plane's replicas die, and its API server goes away, while an application talks through the mesh.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { eventually } from "../e2e/mesh/eventually.ts";
import { type Load, type PodClient, startPodClient } from "../e2e/mesh/pod-client.ts";
import type { AuditEvent } from "./cluster/audit-log.ts";
import { type Cluster, testCluster, whyNoTestCluster } from "./cluster/open-cluster.ts";
import {
  killProcess,
  type Replica,
  replicasOf,
  streamCountOf,
  untilReady,
} from "./control-plane-replicas.ts";
import { callerPod, echoDeployment, echoService } from "./echo-application.ts";
import { assertUnbroken, editRoute, untilSeen } from "./edited-route.ts";
import { type Meltemi, meltemiAgainst } from "./meltemi-command.ts";
import { createTestNamespace, type TestNamespace } from "./test-namespace.ts";

const skip = whyNoTestCluster();
/** The echo server's two and the caller's. */
const PROXY_COUNT = 3;
const OUTAGE_MS = 60_000;

describe("high availability of the control plane", { skip }, () => {
  let cluster: Cluster;
  let meltemi: Meltemi;
  let namespace: TestNamespace;
  let client: PodClient;
  let load: Load;

  before(async () => {
    cluster = testCluster();
    meltemi = meltemiAgainst(cluster);
    await meltemi(["install", "--profile", "minimal", "--timeout", "120s"]);
    namespace = await createTestNamespace(cluster, `ha-test-${process.pid}`, {
      "istio-injection": "enabled",
    });
    await namespace.apply([echoDeployment(), echoService(), callerPod("caller")]);
    await namespace.waitForRollout("deployment/echo");
    await namespace.waitFor("condition=Ready", "pod/caller");
    client = startPodClient(await commandBesideApiServer(cluster, namespace, "caller"));
    load = await client.load({ url: "http://echo/", connections: 4, pauseMs: 10 });
    await editRoute(namespace, "first");
    await untilSeen(load, "first");
  });

  after(async () => {
    await client?.close();
    await namespace?.close();
    await meltemi?.(["uninstall", "--yes", "--purge"]);
  });

  const streamCounts = async (replicas: readonly Replica[]) =>
    Promise.all(replicas.map((replica) => streamCountOf(cluster, replica)));

  /** Every proxy is served by one of them. */
  const untilServed = (replicas: readonly Replica[]) =>
    eventually(
      async () => {
        const counts = await streamCounts(replicas);
        assert.equal(
          counts.reduce((sum, count) => sum + count, 0),
          PROXY_COUNT,
          counts.join(),
        );
      },
      { deadlineMs: 60_000 },
    );

  test("the replicas are on different nodes", async () => {
    const replicas = await untilReady(cluster);
    assert.deepEqual(new Set(replicas.map(({ nodeName }) => nodeName)), new Set(["node-1", "node-2"]));
    await untilServed(replicas);
  });

  test("an object is programmed once the proxies of both replicas have it", async () => {
    const wanted = `jsonpath={.status.conditions[?(@.type=="Programmed")].message}=all proxies have it`;
    await namespace.waitFor(wanted, "virtualservice/echo");
  });

  test("SIGKILL of each replica in turn: its proxies go to the other, and no request fails", async () => {
    for (const { name } of await untilReady(cluster)) {
      const replicas = await untilReady(cluster);
      const victim = replicas.find((replica) => replica.name === name);
      assert.ok(victim);
      await killProcess(cluster, victim);
      await untilServed(replicas.filter((replica) => replica !== victim));
      await editRoute(namespace, `without ${name}`);
      await untilSeen(load, `without ${name}`);
      await untilReady(cluster);
    }
    await assertUnbroken(load);
  });

  test("a replica's pod that is deleted by force is replaced, and no request fails", async () => {
    const [victim] = await untilReady(cluster);
    assert.ok(victim);
    await cluster.kubectl([
      "-n",
      "meltemi-system",
      "delete",
      "pod",
      victim.name,
      "--force",
      "--grace-period=0",
    ]);
    const replicas = await untilReady(cluster);
    assert.ok(replicas.every(({ name }) => name !== victim.name));
    await untilServed(replicas);
    await editRoute(namespace, "with another");
    await untilSeen(load, "with another");
    await assertUnbroken(load);
  });

  test("an outage of the API server changes nothing for traffic, and ends without a storm", async () => {
    const before = await untilReady(cluster);
    await untilServed(before);
    const [countsBefore, connectionsBefore] = [await streamCounts(before), await connectionsOf(client)];
    const eventsBefore = await cluster.audit();
    await cluster.haltApiServer();
    try {
      await wait(OUTAGE_MS);
      assert.deepEqual(await streamCounts(before), countsBefore);
      assert.equal(await connectionsOf(client), connectionsBefore);
    } finally {
      await cluster.resumeApiServer();
    }
    await editRoute(namespace, "after the outage");
    await untilSeen(load, "after the outage");
    assert.deepEqual(await streamCounts(before), countsBefore);
    const after = await replicasOf(cluster);
    assert.deepEqual(
      after.map(({ restartCount }) => restartCount),
      before.map(({ restartCount }) => restartCount),
    );
    const events = (await cluster.audit()).slice(eventsBefore.length).filter(isOfControlPlane);
    // A new API server doesn't know what was before it, so some watches can't go on; then a replica lists once more.
    const lists = events.filter(({ verb }) => verb === "list").map(({ requestURI }) => requestURI);
    for (const uri of new Set(lists)) {
      assert.ok(lists.filter((each) => each === uri).length <= before.length, `${uri} in ${lists.join()}`);
    }
    assert.ok(events.some(({ verb }) => verb === "watch"));
    await assertUnbroken(load);
  });

  test("a replica that dies while the API server is away leaves its proxies to the other", async () => {
    const replicas = await untilReady(cluster);
    const counts = await streamCounts(replicas);
    const victim = replicas[counts.indexOf(Math.max(...counts))];
    assert.ok(victim);
    await cluster.haltApiServer();
    try {
      await killProcess(cluster, victim);
      await untilServed(replicas.filter((replica) => replica !== victim));
    } finally {
      await cluster.resumeApiServer();
    }
    await untilReady(cluster);
    await editRoute(namespace, "after both");
    await untilSeen(load, "after both");
    await assertUnbroken(load);
  });
});

/** Runs the caller by the container runtime, since an exec of the API server would end with it. */
async function commandBesideApiServer(
  cluster: Cluster,
  namespace: TestNamespace,
  pod: string,
): Promise<readonly [string, ...string[]]> {
  const { spec, status } = await namespace.get<{
    readonly spec: { readonly nodeName: string };
    readonly status: {
      readonly containerStatuses: readonly { readonly name: string; readonly containerID: string }[];
    };
  }>(`pod/${pod}`);
  const app = status.containerStatuses.find(({ name }) => name === "app");
  const node = cluster.nodes.find(({ name }) => name === spec.nodeName);
  assert.ok(app && node);
  const container = app.containerID.replace("containerd://", "");
  const exec = ["tasks", "exec", "--exec-id", `caller-${process.pid}`, container] as const;
  return node.enter(["ctr", "--namespace", "k8s.io", ...exec, "node", "/app/client.mjs"]);
}

/** How often the caller's Envoy has connected to a control plane. */
async function connectionsOf(client: PodClient): Promise<number> {
  const { body } = await client.request("http://127.0.0.1:15000/stats?filter=xds-grpc.upstream_cx_total");
  const [, count] = /upstream_cx_total: (\d+)/.exec(body) ?? [];
  assert.ok(count, body);
  return Number(count);
}

function isOfControlPlane({ user }: AuditEvent): boolean {
  return user.username === "system:serviceaccount:meltemi-system:meltemi";
}
