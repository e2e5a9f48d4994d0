import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eventually } from "../e2e/mesh/eventually.ts";
import type { PodClient } from "../e2e/mesh/pod-client.ts";
import type { Cluster } from "./cluster/open-cluster.ts";
import { testCluster, whyNoTestCluster } from "./cluster/open-cluster.ts";
import { callerPod, echoDeployment, echoService } from "./echo-application.ts";
import type { Meltemi } from "./meltemi-command.ts";
import { meltemiAgainst } from "./meltemi-command.ts";
import type { TestNamespace } from "./test-namespace.ts";
import { createTestNamespace } from "./test-namespace.ts";

const skip = whyNoTestCluster();

// Installed by our installer, injected by the namespace's label, shown by traffic between pods of two nodes.
describe("traffic on a cluster", { skip }, () => {
  let cluster: Cluster;
  let meltemi: Meltemi;
  let namespace: TestNamespace;
  let client: PodClient;
  let outsider: PodClient;
  let isInstalled = false;

  before(async () => {
    cluster = testCluster();
    meltemi = meltemiAgainst(cluster);
    isInstalled = true;
    await meltemi(["install", "--profile", "minimal", "--timeout", "120s"]);
    namespace = await createTestNamespace(cluster, `traffic-test-${process.pid}`, {
      "istio-injection": "enabled",
    });
    const isOutside = { labels: { "sidecar.istio.io/inject": "false" } };
    await namespace.apply([
      echoDeployment(),
      echoService(),
      callerPod("client"),
      callerPod("outsider", isOutside),
    ]);
    await namespace.waitForRollout("deployment/echo");
    await namespace.waitFor("condition=Ready", "pod/client");
    await namespace.waitFor("condition=Ready", "pod/outsider");
    client = namespace.client("client");
    outsider = namespace.client("outsider");
  });

  after(async () => {
    await namespace?.close();
    if (isInstalled) await meltemi(["uninstall", "--purge"]);
  });

  test("calls between nodes are by mutual TLS with the ServiceAccounts' identities", async () => {
    const pods = await namespace.list<Pod>("pods", "app=echo");
    const nodesByPod = new Map(pods.map(({ metadata, spec }) => [metadata.name, spec.nodeName]));
    const seen = new Set<string | undefined>();
    for (let call = 0; call < 40 && seen.size < 2; call += 1) {
      const { headers, pod } = await client.echo("http://echo/");
      seen.add(nodesByPod.get(pod));
      const identity = `URI=spiffe://cluster.local/ns/${namespace.name}/sa/default`;
      assert.ok(headers["x-forwarded-client-cert"]?.includes(identity), headers["x-forwarded-client-cert"]);
    }
    assert.deepEqual([...seen].sort(), ["node-1", "node-2"]);
  });

  test("a VirtualService's fault reaches proxies, and goes with it", async () => {
    const route = [{ destination: { host: "echo" } }];
    const fault = { abort: { httpStatus: 418, percentage: { value: 100 } } };
    await namespace.apply([
      networkingObject("VirtualService", "echo", { hosts: ["echo"], http: [{ fault, route }] }),
    ]);
    await eventually(async () => assert.equal((await client.request("http://echo/")).status, 418));
    await namespace.kubectl(["delete", "virtualservice", "echo"]);
    await eventually(() => client.echo("http://echo/"));
  });

  test("STRICT refuses plaintext between nodes", async () => {
    await outsider.echo({ url: "http://echo/", isNew: true });
    await namespace.apply([
      {
        apiVersion: "security.istio.io/v1",
        kind: "PeerAuthentication",
        metadata: { name: "default" },
        spec: { mtls: { mode: "STRICT" } },
      },
    ]);
    await eventually(async () => {
      const { status, error } = await outsider.request({ url: "http://echo/", isNew: true });
      assert.deepEqual([status, error], [0, "ECONNRESET"]);
    });
    await client.echo("http://echo/");
  });

  test("uninstall --purge leaves nothing of ours", async () => {
    await meltemi(["uninstall", "--purge"]);
    isInstalled = false;
    const kinds =
      "crd,clusterrole,clusterrolebinding,mutatingwebhookconfiguration,validatingwebhookconfiguration";
    const names = await cluster.kubectl(["get", kinds, "-o", "name"]);
    assert.doesNotMatch(names, /meltemi|istio/);
  });
});

interface Pod {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly nodeName: string };
}

function networkingObject(kind: string, name: string, spec: object): object {
  return { apiVersion: "networking.istio.io/v1", kind, metadata: { name }, spec };
}
