// What clients get by layers, the mesh's rows and their scope's differences, against asking each client, with all its
// facts, about every input, over random meshes.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { meshFixture, readNow } from "../../tests/support/mesh-fixture.ts";
import { type Coverage, countCases, type Edit, randomMesh } from "../../tests/support/random-mesh.ts";
import { ipFamiliesOf } from "../core/ip-families.ts";
import type { Graph } from "../graph/graph.ts";
import { clientIn } from "../model/client.ts";
import { deleteObject, type Sources, writeObject } from "../model/sources.ts";
import type { ScopeClient } from "./client-questions.ts";
import {
  type ClientScope,
  type ClientScopes,
  type ConnectedProxy,
  declareClientScopes,
  MESH_SCOPE,
  meshScopeOf,
} from "./client-scope.ts";
import { clusterEndpointRows, outboundClusterRows } from "./outbound-clusters.ts";
import { outboundListenerRows } from "./outbound-listeners.ts";
import { deriveRowsOfFamilies, deriveScopedRows, type ScopedRows, splitLayerKey } from "./scoped-rows.ts";
import { virtualHostRows } from "./virtual-hosts.ts";

const MESH_COUNT = 500;

test("deriveScopedRows() gives each client what builds say when they ask it about every input", (context) => {
  const coverage: Coverage = {};
  fc.assert(
    fc.property(randomMesh, (mesh) => {
      countCases(mesh, coverage);
      const { put, connect, scopes, answers } = layeredMesh();
      const [first = [], second = []] = mesh.batches;
      const [early, late] = [mesh.clients.slice(1), mesh.clients.slice(0, 1)];
      for (const step of [() => put(first), () => connect(early), () => put(second), () => connect(late)]) {
        step();
        for (const [key, proxy] of scopes.proxies.entries()) {
          const scope = scopes.ofProxy.get(key);
          assert.ok(scope !== undefined);
          for (const ask of answers) ask({ proxy, scope }, coverage);
        }
      }
    }),
    { numRuns: MESH_COUNT },
  );
  context.diagnostic(JSON.stringify(coverage));
  for (const [what, count] of Object.entries(coverage)) assert.ok(count >= 20, `${what}: ${count}`);
});

/** Compares one kind of row, for one client. */
type Ask = (client: Asked, coverage: Coverage) => void;

interface Asked {
  readonly proxy: ConnectedProxy;
  readonly scope: ClientScope;
}

function layeredMesh() {
  const { graph, sources, model } = meshFixture();
  const proxies = graph.source<ConnectedProxy>("connected proxies");
  const scopes = declareClientScopes(graph, model, proxies);
  const hosts = virtualHostRows(model);
  const listeners = outboundListenerRows(graph, model);
  const answers: readonly Ask[] = [
    askAll(graph, scopes, outboundClusterRows(model)),
    askAll(graph, scopes, clusterEndpointRows(model)),
    askAll(graph, scopes, hosts.ofServices),
    askAll(graph, scopes, hosts.ofRoutes),
    askAll(graph, scopes, listeners.ofPorts, "by families"),
    askAll(graph, scopes, listeners.ofAddresses, "by families"),
  ];
  const connect = (clients: readonly ConnectedProxy[]) => {
    const { errors } = graph.commit((transaction) => {
      for (const client of clients) transaction.set(proxies, `${client.namespace}/${client.name}`, client);
    });
    assert.deepEqual(errors, []);
  };
  return { scopes, answers, connect, put: (edits: readonly Edit[]) => applyEdits(graph, sources, edits) };
}

function applyEdits(graph: Graph, sources: Sources, edits: readonly Edit[]): void {
  const { errors } = graph.commit((transaction) => {
    for (const { isRemoved, object } of edits) {
      const { kind, metadata } = object;
      if (isRemoved)
        deleteObject(transaction, sources, {
          kind,
          namespace: metadata.namespace ?? "",
          name: metadata.name,
        });
      else writeObject(transaction, sources, object);
    }
  });
  assert.deepEqual(errors, []);
}

function askAll<I, T>(
  graph: Graph,
  scopes: ClientScopes,
  rows: ScopedRows<I, T>,
  breadth: "for all" | "by families" = "for all",
): Ask {
  const derive = breadth === "for all" ? deriveScopedRows : deriveRowsOfFamilies;
  const table = derive(graph, { ...rows, scopes });
  return ({ proxy, scope }, coverage) => {
    const mesh = breadth === "for all" ? MESH_SCOPE : meshScopeOf(scope.families);
    const byLayers = new Map<string, T>();
    for (const layer of [mesh.id, scope.id]) {
      for (const [key, row] of table.entries()) {
        const { layer: own, name } = splitLayerKey(key);
        if (own !== layer) continue;
        if (row.kind === "absent") byLayers.delete(name);
        else byLayers.set(name, row.inputs);
        const what = `${rows.name}, ${layer === mesh.id ? "of the mesh" : row.kind}`;
        coverage[what] = (coverage[what] ?? 0) + 1;
      }
    }
    const oneByOne = new Map<string, T>();
    const client = factualClient(proxy);
    for (const [key, input] of rows.from.entries()) {
      for (const [name, inputs] of rows.build({ key, input, client, read: readNow }))
        oneByOne.set(name, inputs);
    }
    assert.deepEqual(
      sorted(byLayers),
      sorted(oneByOne),
      `${rows.name} for ${proxy.namespace}/${proxy.name} as ${scope.id}`,
    );
  };
}

/** Answers from what the proxy is, not from its scope. */
function factualClient({
  kind,
  namespace,
  labels,
  addresses,
  capturesDns = false,
}: ConnectedProxy): ScopeClient {
  return {
    ...clientIn(namespace, labels),
    families: () => ipFamiliesOf(addresses),
    capturesDns: () => capturesDns,
    isGateway: () => kind === "router",
    namespace: () => namespace,
  };
}

function sorted<T>(rows: ReadonlyMap<string, T>) {
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
}
