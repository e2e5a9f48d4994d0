// What clients get by layers, the mesh's rows and their scope's differences, against asking each client, with all its
// facts, about every input, over random meshes.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { meshFixture, readNow } from "../../tests/support/mesh-fixture.ts";
import {
  type Coverage,
  countCases,
  type Edit,
  type RandomMesh,
  randomMesh,
} from "../../tests/support/random-mesh.ts";
import { importSet } from "../../tests/support/view-fixture.ts";
import { qualifyHostname } from "../core/hostname.ts";
import { ipFamiliesOf } from "../core/ip-families.ts";
import type { Graph } from "../graph/graph.ts";
import { clientIn } from "../model/client.ts";
import type { Model } from "../model/model.ts";
import type { MeshService } from "../model/service.ts";
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
import { type ImportSet, importsRoutes, importsService } from "./import-sets.ts";
import { splitLayerKey } from "./layer-id.ts";
import { clusterEndpointRows, outboundClusterRows } from "./outbound-clusters.ts";
import { outboundListenerRows } from "./outbound-listeners.ts";
import type { PortShares } from "./port-shares.ts";
import { deriveRowsOfFamilies, deriveScopedRows, type ScopedRows } from "./scoped-rows.ts";
import { virtualHostRows } from "./virtual-hosts.ts";

const MESH_COUNT = 500;

test("deriveScopedRows() gives each client what builds say when they ask it about every input", (context) => {
  const coverage: Coverage = {};
  fc.assert(
    fc.property(randomMesh, (mesh) => {
      countCases(mesh, coverage);
      const { put, connect, widen, scopes, answers, importsOfProxy } = layeredMesh(mesh.imports);
      const [first = [], second = []] = mesh.batches;
      const [early, late] = [mesh.clients.slice(1), mesh.clients.slice(0, 1)];
      const steps = [() => put(first), () => connect(early), () => put(second), () => connect(late)];
      for (const step of [...steps, () => widen(early.slice(0, 2))]) {
        step();
        for (const [key, proxy] of scopes.proxies.entries()) {
          const scope = scopes.ofProxy.get(key);
          assert.ok(scope !== undefined);
          const imports = proxy.kind === "sidecar" ? importsOfProxy.get(key) : undefined;
          assert.equal(scope.imports?.id, imports?.id);
          for (const ask of answers) ask({ proxy, scope, imports }, coverage);
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
  /** By what is written for the proxy, not by its scope. */
  readonly imports: ImportSet | undefined;
}

function layeredMesh(imports: RandomMesh["imports"]) {
  const { graph, sources, model } = meshFixture();
  const proxies = graph.source<ConnectedProxy>("connected proxies");
  const importsOfProxy = graph.source<ImportSet>("import sets of proxies");
  const scopes = declareClientScopes(graph, model, proxies, { importsOfProxy });
  const hosts = virtualHostRows(model);
  const listeners = outboundListenerRows(graph, model, scopes);
  const answers: readonly Ask[] = [
    askAll(graph, scopes, outboundClusterRows(model), { inputs: destinationsOf(model) }),
    askAll(graph, scopes, clusterEndpointRows(model), { inputs: destinationsOf(model) }),
    askAll(graph, scopes, hosts.ofServices),
    askAll(graph, scopes, hosts.ofRoutes),
    askAll(graph, scopes, listeners.ofPorts, { breadth: "by families", inputs: sharesOf(model) }),
    askAll(graph, scopes, listeners.ofAddresses, { breadth: "by families" }),
  ];
  const connect = (clients: readonly ConnectedProxy[]) => {
    const { errors } = graph.commit((transaction) => {
      for (const client of clients) {
        const key = `${client.namespace}/${client.name}`;
        transaction.set(proxies, key, client);
        if (imports[key] !== undefined) transaction.set(importsOfProxy, key, importSet(imports[key]));
      }
    });
    assert.deepEqual(errors, []);
  };
  const widen = (clients: readonly ConnectedProxy[]) => {
    const { errors } = graph.commit((transaction) => {
      for (const { namespace, name } of clients) transaction.delete(importsOfProxy, `${namespace}/${name}`);
    });
    assert.deepEqual(errors, []);
  };
  return {
    scopes,
    answers,
    importsOfProxy,
    connect,
    widen,
    put: (edits: readonly Edit[]) => applyEdits(graph, sources, edits),
  };
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

interface Asking<I> {
  readonly breadth?: "for all" | "by families";
  /** All that clients with imports are asked about, found by looking at everything; default: all inputs. */
  readonly inputs?: (client: ScopeClient) => Iterable<readonly [string, I]>;
}

function askAll<I, T>(
  graph: Graph,
  scopes: ClientScopes,
  rows: ScopedRows<I, T>,
  { breadth = "for all", inputs: imported = () => rows.from.entries() }: Asking<I> = {},
): Ask {
  const derive = breadth === "for all" ? deriveScopedRows : deriveRowsOfFamilies;
  const table = derive(graph, { ...rows, scopes });
  return ({ proxy, scope, imports }, coverage) => {
    const mesh = breadth === "for all" ? MESH_SCOPE : meshScopeOf(scope.families);
    const byLayers = new Map<string, T>();
    for (const layer of imports === undefined ? [mesh.id, scope.id] : [scope.id]) {
      for (const [key, row] of table.entries()) {
        const { layer: own, name } = splitLayerKey(key);
        if (own !== layer) continue;
        if (row.kind === "absent") byLayers.delete(name);
        else byLayers.set(name, row.inputs);
        const ofLayer = imports === undefined ? row.kind : `${row.kind}, imported`;
        const what = `${rows.name}, ${layer === mesh.id ? "of the mesh" : ofLayer}`;
        coverage[what] = (coverage[what] ?? 0) + 1;
      }
    }
    const oneByOne = new Map<string, T>();
    const client = factualClient(proxy, imports);
    for (const [key, input] of imports === undefined ? rows.from.entries() : imported(client)) {
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

/** Those that the client imports, and those that some rule which it follows names, by host or alias. */
function destinationsOf(model: Model): (client: ScopeClient) => Iterable<readonly [string, MeshService]> {
  return (client) => {
    const named = new Set<string>();
    for (const [, routes] of model.hostRoutes.table.entries()) {
      if (!routes.gateways.includes("mesh") || !client.follows(routes)) continue;
      const rules = [
        ...routes.http.map(({ rule, namespace }) => ({ rule, namespace })),
        ...[...routes.tcp, ...routes.tls].map((rule) => ({ rule, namespace: routes.namespace })),
      ];
      for (const { rule, namespace } of rules) {
        for (const [, host = ""] of JSON.stringify(rule).matchAll(/"host":"([^"]*)"/g))
          named.add(qualifyHostname(host, namespace));
      }
    }
    return [...model.services.entries()].filter(
      ([, service]) =>
        client.imports(service) || [service.hostname, ...service.aliases].some((host) => named.has(host)),
    );
  };
}

/** For each port all services that have it. */
function sharesOf(model: Model): () => Iterable<readonly [string, PortShares]> {
  return () => {
    const services = [...model.services.entries()].map(([, service]) => service);
    const numbers = new Set(services.flatMap(({ ports }) => ports.map(({ number }) => number)));
    return [...numbers].map((port) => {
      const varying = services.filter(({ ports }) => ports.some(({ number }) => number === port));
      return [String(port), { hasHttp: false, hasGrpcWeb: false, varying }] as const;
    });
  };
}

/** Answers from what the proxy is, not from its scope. */
function factualClient(
  { kind, namespace, labels, addresses, capturesDns = false }: ConnectedProxy,
  imports: ImportSet | undefined,
): ScopeClient {
  const client = clientIn(namespace, labels);
  return {
    ...client,
    imports: (service) =>
      client.imports(service) && (imports === undefined || importsService(imports, service)),
    follows: (routes) => client.follows(routes) && (imports === undefined || importsRoutes(imports, routes)),
    families: () => ipFamiliesOf(addresses),
    capturesDns: () => capturesDns,
    isGateway: () => kind === "router",
    namespace: () => namespace,
  };
}

function sorted<T>(rows: ReadonlyMap<string, T>) {
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
}
