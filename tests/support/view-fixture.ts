// For tests: the views of a small mesh written as YAML, with proxies connected by hand.

import assert from "node:assert/strict";
import type { SourceTable, Table } from "../../src/graph/table.ts";
import type { ConnectedProxy } from "../../src/view/client-scope.ts";
import { layerKey, type Scoped } from "../../src/view/scoped-rows.ts";
import { declareViews, type Views } from "../../src/view/views.ts";
import { type MeshFixture, meshFixture } from "./mesh-fixture.ts";

export interface ViewFixture extends MeshFixture {
  readonly views: Views;
  readonly proxies: SourceTable<ConnectedProxy>;
  /** Connects a proxy, by `namespace/name`. */
  connect(...proxies: readonly ConnectedProxy[]): void;
  disconnect(...keys: readonly string[]): void;
}

/** Without text nothing is committed yet, so that more tables can be declared. */
export function viewFixture(yaml?: string): ViewFixture {
  const mesh = meshFixture();
  const { graph, model } = mesh;
  const proxies = graph.source<ConnectedProxy>("connected proxies");
  const views = declareViews(graph, model, proxies);
  const fixture: ViewFixture = {
    ...mesh,
    views,
    proxies,
    connect(...connected) {
      const { errors } = graph.commit((transaction) => {
        for (const proxy of connected) transaction.set(proxies, `${proxy.namespace}/${proxy.name}`, proxy);
      });
      assert.deepEqual(errors, []);
    },
    disconnect(...keys) {
      graph.commit((transaction) => {
        for (const key of keys) transaction.delete(proxies, key);
      });
    },
  };
  if (yaml !== undefined) fixture.put(yaml);
  return fixture;
}

export function sidecar(
  namespace: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): ConnectedProxy {
  const domain = `${namespace}.svc.cluster.local`;
  const pod = { key: `${namespace}/${name}`, uid: "", serviceAccount: "default" };
  return { kind: "sidecar", name, namespace, labels, addresses: ["10.244.0.9"], domain, locality: "", pod };
}

/** What clients of a scope get under a name: the scope's own row, else the mesh's. */
export function seen<T>(table: Table<Scoped<T>>, scope: string, name: string): T | undefined {
  const row = table.get(layerKey(scope, name)) ?? table.get(layerKey("", name));
  return row?.kind === "present" ? row.inputs : undefined;
}

/** The names of a layer's rows, sorted; `-name` for one that the layer takes away. */
export function layerNames<T>(table: Table<Scoped<T>>, layer: string): readonly string[] {
  return [...table.entries()]
    .filter(([key]) => key.startsWith(`${layer}|`))
    .map(([key, row]) => `${row.kind === "absent" ? "-" : ""}${key.slice(layer.length + 1)}`)
    .sort();
}
