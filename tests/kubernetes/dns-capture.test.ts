// Names that only the mesh knows: a pod that captures DNS reaches hosts of ServiceEntries that no resolver has.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eventually } from "../e2e/mesh/eventually.ts";
import type { Cluster } from "./cluster/open-cluster.ts";
import { testCluster, whyNoTestCluster } from "./cluster/open-cluster.ts";
import { callerPod, echoPod, echoStatefulSet } from "./echo-application.ts";
import type { Meltemi } from "./meltemi-command.ts";
import { meltemiAgainst } from "./meltemi-command.ts";
import type { TestNamespace } from "./test-namespace.ts";
import { createTestNamespace } from "./test-namespace.ts";

const skip = whyNoTestCluster();
const outside = { annotations: { "sidecar.istio.io/inject": "false" } };
const capturing = {
  annotations: { "proxy.istio.io/config": 'proxyMetadata: { ISTIO_META_DNS_CAPTURE: "true" }' },
};
const HOSTS = ["one.dns-capture.example", "two.dns-capture.example"] as const;

describe("DNS capture on a cluster", { skip }, () => {
  let cluster: Cluster;
  let meltemi: Meltemi;
  let namespace: TestNamespace;

  before(async () => {
    cluster = testCluster();
    meltemi = meltemiAgainst(cluster);
    await meltemi(["install", "--profile", "minimal", "--timeout", "120s"]);
    const name = `dns-capture-${process.pid}`;
    namespace = await createTestNamespace(cluster, name, { "istio-injection": "enabled" });
    await namespace.apply([
      ...["one", "two"].map((pod) => echoPod(pod, outside)),
      callerPod("client", capturing),
      callerPod("plain"),
      ...echoStatefulSet("store"),
    ]);
    await namespace.waitFor("condition=Ready", "pod/one", "pod/two", "pod/client", "pod/plain");
    await namespace.waitForRollout("statefulset/store");
    await namespace.apply(await Promise.all(["one", "two"].map(entryOf)));
  });

  after(async () => {
    await namespace.close();
    await meltemi(["uninstall", "--yes", "--purge"]);
  });

  /** Of TCP, without an address: nothing but DNS tells one host from the other. */
  async function entryOf(pod: string): Promise<object> {
    const { status } = await namespace.get<{ status: { podIP: string } }>(`pod/${pod}`);
    return {
      apiVersion: "networking.istio.io/v1",
      kind: "ServiceEntry",
      metadata: { name: pod },
      spec: {
        hosts: [`${pod}.dns-capture.example`],
        ports: [{ number: 8080, name: "tcp", protocol: "TCP" }],
        resolution: "STATIC",
        location: "MESH_EXTERNAL",
        endpoints: [{ address: status.podIP }],
      },
    };
  }

  /** Who answered a call of each name, on a connection of its own. */
  function podsAt(caller: string, names: readonly string[]): Promise<readonly (string | undefined)[]> {
    const client = namespace.client(caller);
    const ask = (name: string) => client.request({ url: `http://${name}:8080/`, isNew: true });
    return Promise.all(names.map(async (name) => (await ask(name)).headers["x-pod"]));
  }

  test("hosts of ServiceEntries are reached by name, and told apart on one port", async () => {
    await eventually(async () => assert.deepEqual(await podsAt("client", HOSTS), ["one", "two"]), {
      deadlineMs: 60_000,
    });
  });

  test("pods of a StatefulSet and names of the cluster's own DNS are found", async () => {
    const names = ["store-1.store", `store-0.store.${namespace.name}.svc.cluster.local`];
    assert.deepEqual(await podsAt("client", names), ["store-1", "store-0"]);
  });

  test("a pod without capture doesn't know them", async () => {
    // Which of the two depends on whether the cluster has resolvers to ask.
    const { status, error } = await namespace.client("plain").request({ url: `http://${HOSTS[0]}:8080/` });
    assert.equal(status, 0);
    assert.match(error ?? "", /^(EAI_AGAIN|ENOTFOUND)$/);
  });
});
