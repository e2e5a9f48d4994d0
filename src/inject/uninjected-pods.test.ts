import assert from "node:assert/strict";
import { test } from "node:test";
import type { Labels } from "../core/label-selector.ts";
import type { Pod } from "../kinds/pod/pod.ts";
import { findUninjectedPods } from "./uninjected-pods.ts";

const injectors = [
  {
    webhooks: [
      { namespaceSelector: { matchLabels: { "istio-injection": "enabled" } } },
      { objectSelector: { matchLabels: { "sidecar.istio.io/inject": "true" } } },
    ],
  },
];

const namespaceOf = (name: string, labels: Labels = {}) => ({ metadata: { name, labels } });

function podOf(namespace: string, name: string, more: Partial<Pod["metadata"] & Pod["spec"]> = {}): Pod {
  const { annotations, containers = [{ name: "app" }], hostNetwork, labels = {} } = more;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels, ...(annotations && { annotations }) },
    spec: { containers, ...(hostNetwork && { hostNetwork }) },
  } as Pod;
}

const find = (namespaces: readonly ReturnType<typeof namespaceOf>[], pods: readonly Pod[] = []) =>
  findUninjectedPods({ namespaces, pods, injectors, ignoredNamespaces: ["meltemi-system"] });

const unknown = (namespace: string, revision: string, pods: readonly string[]) => ({
  ...{ namespace, reason: "unknown revision", revision },
  pods,
});

test("findUninjectedPods() finds a namespace whose revision nobody injects, and its pods", () => {
  const shop = namespaceOf("shop", { "istio.io/rev": "prdo" });
  assert.deepEqual(find([shop]), [unknown("shop", "prdo", [])]);
  const injected = { annotations: { "istio.io/rev": "prdo" } };
  const pods = [
    podOf("shop", "web-2"),
    podOf("shop", "web-1"),
    podOf("shop", "before", injected),
    podOf("shop", "out", { labels: { "sidecar.istio.io/inject": "false" } }),
    podOf("shop", "node", { hostNetwork: true }),
    { ...podOf("shop", "done"), status: { phase: "Succeeded" } } as Pod,
  ];
  assert.deepEqual(find([shop], pods), [unknown("shop", "prdo", ["web-1", "web-2"])]);
});

test("findUninjectedPods() finds pods that ask by a label of their own", () => {
  const pod = podOf("plain", "web", { labels: { "istio.io/rev": "old" } });
  assert.deepEqual(find([namespaceOf("plain")], [pod]), [unknown("plain", "old", ["web"])]);
});

test("findUninjectedPods() finds pods that were made before injection answered", () => {
  const gateway = (image: string) =>
    podOf("edge", `gateway-${image}`, {
      labels: { "sidecar.istio.io/inject": "true" },
      containers: [{ name: "istio-proxy", image }],
    });
  assert.deepEqual(find([namespaceOf("edge")], [gateway("auto"), gateway("meltemi")]), [
    { namespace: "edge", reason: "made too early", revision: "default", pods: ["gateway-auto"] },
  ]);
});

test("findUninjectedPods() finds nothing where nobody asks, somebody answers, or nobody ever injects", () => {
  const namespaces = [
    namespaceOf("plain"),
    namespaceOf("shop", { "istio-injection": "enabled" }),
    namespaceOf("off", { "istio-injection": "disabled", "istio.io/rev": "old" }),
    namespaceOf("kube-system", { "istio.io/rev": "old" }),
    namespaceOf("meltemi-system", { "istio.io/rev": "old" }),
    {
      metadata: {
        name: "going",
        labels: { "istio.io/rev": "old" },
        deletionTimestamp: "2026-01-01T00:00:00Z",
      },
    },
  ];
  const pods = namespaces.map(({ metadata }) => podOf(metadata.name, "web"));
  assert.deepEqual(find(namespaces, pods), []);
});
