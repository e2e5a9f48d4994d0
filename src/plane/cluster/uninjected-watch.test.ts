import assert from "node:assert/strict";
import { test } from "node:test";
import { Graph } from "../../graph/graph.ts";
import type { KubernetesObject } from "../../kinds/define-kind.ts";
import { declareSources, writeObject } from "../../model/sources.ts";
import type { Injector } from "../../sources/kubernetes/injectors.ts";
import { createUninjectedWatch } from "./uninjected-watch.ts";

const own: Injector = {
  name: "meltemi-sidecar-injector-canary",
  labels: { "install.meltemi.dev/installation": "meltemi", "istio.io/rev": "canary" },
  webhooks: [{ namespaceSelector: { matchLabels: { "istio.io/rev": "canary" } } }],
};
const tag: Injector = {
  name: "meltemi-revision-tag-prod",
  labels: { ...own.labels, "istio.io/tag": "prod" },
  webhooks: [{ namespaceSelector: { matchLabels: { "istio.io/rev": "prod" } } }],
};
const istio: Injector = {
  name: "istio-sidecar-injector",
  labels: { "istio.io/rev": "default" },
  webhooks: [{ namespaceSelector: { matchLabels: { "istio-injection": "enabled" } } }],
};

function watchOf(objects: readonly KubernetesObject[]) {
  const graph = new Graph();
  const sources = declareSources(graph);
  const write = (...some: readonly KubernetesObject[]) =>
    graph.commit((transaction) => {
      for (const object of some) writeObject(transaction, sources, object);
    });
  write(...objects);
  const watch = createUninjectedWatch(
    { namespace: "meltemi-system", revision: "canary" },
    { graph, sources },
  );
  return { watch, write, names: () => watch.replaceablePods().map(({ metadata }) => metadata.name) };
}

const namespace = (name: string, labels: Readonly<Record<string, string>>): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, labels },
});

const pod = (place: string, image: string): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: `${place}-${image}`, namespace: place, labels: { app: "edge" } },
  spec: { containers: [{ name: "istio-proxy", image }] },
});

test("createUninjectedWatch() has those pods replaced that its own revision and tags would inject now", () => {
  const places = [
    namespace("by-name", { "istio.io/rev": "canary" }),
    namespace("by-tag", { "istio.io/rev": "prod" }),
    namespace("of-istio", { "istio-injection": "enabled" }),
  ];
  const pods = ["by-name", "by-tag", "of-istio"].flatMap((place) => [
    pod(place, "auto"),
    pod(place, "envoy"),
  ]);
  const { names, watch } = watchOf([...places, ...pods]);
  assert.deepEqual(names(), [], "nobody would inject another pod");
  watch.take([own, istio]);
  assert.deepEqual(names(), ["by-name-auto"]);
  watch.take([own, istio, tag]);
  assert.deepEqual(names().sort(), ["by-name-auto", "by-tag-auto"]);
});

test("createUninjectedWatch() tells of pods that were made too early, and of who injects", () => {
  const { watch, write } = watchOf([namespace("shop", { "istio.io/rev": "canary" })]);
  let toldCount = 0;
  const end = watch.watch(() => {
    toldCount++;
  });
  write(pod("shop", "envoy"));
  assert.equal(toldCount, 0);
  write(pod("shop", "auto"));
  assert.equal(toldCount, 1);
  watch.take([own]);
  assert.equal(toldCount, 2);
  end();
  watch.take([]);
  assert.equal(toldCount, 2);
});

test("createUninjectedWatch() reports pods whose revision nobody injects, whichever mesh's", () => {
  const { watch } = watchOf([namespace("shop", { "istio.io/rev": "prod" }), pod("shop", "envoy")]);
  watch.take([own, istio]);
  const [found] = watch.report();
  assert.deepEqual([found?.namespace, found?.revision, found?.pods], ["shop", "prod", ["shop-envoy"]]);
  watch.take([own, istio, tag]);
  assert.deepEqual(watch.report(), []);
});
