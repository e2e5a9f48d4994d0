// For tests: the views of a small mesh written as YAML, with proxies connected by hand.

import assert from "node:assert/strict";
import type { SourceTable, Table } from "../../src/graph/table.ts";
import type { ConnectedProxy } from "../../src/view/client-scope.ts";
import { type ImportSet, importSetOf } from "../../src/view/import-sets.ts";
import { asLayerId, layerKey, MESH_LAYER } from "../../src/view/layer-id.ts";
import type { Scoped } from "../../src/view/scoped-rows.ts";
import { declareViews, type Views } from "../../src/view/views.ts";
import { type MeshFixture, meshFixture } from "./mesh-fixture.ts";

export interface ViewFixture extends MeshFixture {
  readonly views: Views;
  readonly proxies: SourceTable<ConnectedProxy>;
  /** Connects a proxy, by `namespace/name`. */
  connect(...proxies: readonly ConnectedProxy[]): void;
  disconnect(...keys: readonly string[]): void;
  /** What a proxy imports, by its key: hosts as `namespace/host`; undefined: all that is exported to it. */
  restrict(key: string, imports: readonly string[] | undefined): void;
}

/** Without text nothing is committed yet, so that more tables can be declared. */
export function viewFixture(yaml?: string): ViewFixture {
  const mesh = meshFixture();
  const { graph, model } = mesh;
  const proxies = graph.source<ConnectedProxy>("connected proxies");
  const importsOfProxy = graph.source<ImportSet>("import sets of proxies");
  const views = declareViews(graph, model, proxies, { importsOfProxy });
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
    restrict(key, imports) {
      const { errors } = graph.commit((transaction) => {
        if (imports === undefined) transaction.delete(importsOfProxy, key);
        else transaction.set(importsOfProxy, key, importSet(imports));
      });
      assert.deepEqual(errors, []);
    },
  };
  if (yaml !== undefined) fixture.put(yaml);
  return fixture;
}

/** Of hosts written `namespace/host`. */
export function importSet(imports: readonly string[]): ImportSet {
  return importSetOf(
    imports.map((text) => {
      const [namespace = "", host = ""] = text.split("/");
      return { namespace, host };
    }),
  );
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
  const row = table.get(layerKey(asLayerId(scope), name)) ?? table.get(layerKey(MESH_LAYER, name));
  return row?.kind === "present" ? row.inputs : undefined;
}

/** The names of a layer's rows, sorted; `-name` for one that the layer takes away. */
export function layerNames(table: Table<Pick<Scoped<unknown>, "kind">>, layer: string): readonly string[] {
  return [...table.entries()]
    .filter(([key]) => key.startsWith(`${layer}|`))
    .map(([key, row]) => `${row.kind === "absent" ? "-" : ""}${key.slice(layer.length + 1)}`)
    .sort();
}
