// What clients get of a port's names against settling all of its virtual hosts at once, over random meshes and edits.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { sidecar, viewFixture } from "../../tests/support/view-fixture.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";
import { deleteObject, writeObject } from "../model/sources.ts";
import type { ClientScope, ConnectedProxy } from "./client-scope.ts";
import { layerKey, MESH_LAYER, splitLayerKey } from "./layer-id.ts";
import { declareSettledNames, pageKey, type SettledNames, settle } from "./settled-names.ts";
import { type HostNames, spellingOf } from "./virtual-host-names.ts";

const NAMESPACES = ["a", "b", "c"] as const;

/** A few clients of every sort; those of "vm" have a domain of their own. */
const CLIENTS: readonly ConnectedProxy[] = [
  sidecar("a", "one"),
  { ...sidecar("a", "dual"), addresses: ["10.244.0.9", "fd00::9"] },
  sidecar("b", "one"),
  sidecar("c", "web", { app: "web" }),
  { ...sidecar("c", "vm"), domain: "corp.example" },
  { ...sidecar("b", "vm"), domain: "" },
];

const name = fc.constantFrom("web", "api", "db");
const namespace = fc.constantFrom(...NAMESPACES);
const port = fc.constantFrom(80, 8080);
const createdAt = fc.constantFrom("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
const exportTo = fc.constantFrom(undefined, ".", "a", "*");
const hostText = fc.constantFrom(
  "web",
  "WEB",
  "web.a",
  "web.a.svc",
  "web.a.svc.cluster.local",
  "api.b",
  "api.corp.example",
  "corp.example",
  "*.example",
  "10.96.0.1",
);

const service = fc
  .record({
    name,
    namespace,
    ports: fc.uniqueArray(port, { minLength: 1 }),
    createdAt,
    exportTo,
    address: fc.nat(3),
  })
  .map(({ name: own, namespace: place, ports, createdAt: creationTimestamp, exportTo: seen, address }) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: own,
      namespace: place,
      creationTimestamp,
      ...(seen === undefined ? {} : { annotations: { "networking.istio.io/exportTo": seen } }),
    },
    spec: {
      clusterIP: address === 3 ? "None" : `10.96.0.${address + 1}`,
      ports: ports.map((number) => ({ name: `http-${number}`, port: number })),
    },
  }));

const alias = fc.record({ name, namespace, target: name, place: namespace }).map((each) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: {
    name: `${each.name}-alias`,
    namespace: each.namespace,
    creationTimestamp: "2026-01-01T00:00:00Z",
  },
  spec: {
    type: "ExternalName",
    externalName: `${each.target}.${each.place}.svc.cluster.local`,
    ports: [{ name: "http", port: 80 }],
  },
}));

const entry = fc.record({ name, namespace, host: hostText, port, createdAt, exportTo }).map((each) => ({
  apiVersion: "networking.istio.io/v1",
  kind: "ServiceEntry",
  metadata: { name: each.name, namespace: each.namespace, creationTimestamp: each.createdAt },
  spec: {
    hosts: [each.host.toLowerCase()],
    ports: [{ name: "http", number: each.port, protocol: "HTTP" }],
    resolution: "STATIC",
    location: "MESH_EXTERNAL",
    ...(each.exportTo === undefined ? {} : { exportTo: [each.exportTo] }),
  },
}));

const rule = fc.record({ name, namespace, host: hostText, exportTo }).map((each) => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: each.name, namespace: each.namespace },
  spec: {
    hosts: [each.host],
    http: [{ route: [{ destination: { host: "web.a.svc.cluster.local" } }] }],
    ...(each.exportTo === undefined ? {} : { exportTo: [each.exportTo] }),
  },
}));

const importSets = fc.uniqueArray(fc.constantFrom("a/*", "b/*", "c/*", "*/web.a.svc.cluster.local"), {
  minLength: 3,
});

const edits = fc.array(
  fc.record({
    isRemoved: fc.nat(4).map((one) => one === 0),
    object: fc.oneof(service, service, alias, entry, rule),
  }),
  { minLength: 1, maxLength: 14 },
);

test("declareSettledNames() gives each client what settling all virtual hosts of a port would", () => {
  const seen = { ports: 0, broken: 0, lost: 0, foreign: 0, pages: 0, imports: 0, lostOfImports: 0 };
  fc.assert(
    fc.property(edits, fc.subarray([...CLIENTS], { minLength: 1 }), importSets, (list, clients, imports) => {
      const mesh = viewFixture();
      const names = declareSettledNames(mesh.graph, mesh.views);
      mesh.put("");
      mesh.connect(...clients);
      for (const { namespace: own, name: proxy } of clients.slice(1, 3))
        mesh.restrict(`${own}/${proxy}`, imports);
      for (const { isRemoved, object } of list) {
        mesh.graph.commit((transaction) => {
          const { kind, metadata } = object;
          if (isRemoved)
            deleteObject(transaction, mesh.sources, {
              kind,
              namespace: metadata.namespace,
              name: metadata.name,
            });
          else writeObject(transaction, mesh.sources, object as KubernetesObject);
        });
        assert.deepEqual(mesh.graph.failures(), []);
        for (const [key, { scope, port: number }] of names.scopePorts.entries()) {
          const client = mesh.views.scopes.table.get(scope);
          assert.ok(client !== undefined);
          const wanted = settledAtOnce(names, number, client);
          assert.deepEqual(expanded(names, key, { port: number, client }), wanted.domains, key);
          seen.ports += 1;
          seen.lost += wanted.lost;
          seen.broken += names.ofPorts.get(key)?.broken.length ?? 0;
          seen.pages += names.pagesOfPorts.get(number)?.length ?? 0;
          seen.foreign += client.isForeign ? 1 : 0;
          seen.imports += client.imports === undefined ? 0 : wanted.domains.size;
          seen.lostOfImports += client.imports === undefined ? 0 : wanted.lost;
        }
      }
    }),
    { numRuns: 160 },
  );
  // Few names are contested within what a client imports.
  const { lostOfImports, ...others } = seen;
  assert.ok(lostOfImports > 2, String(lostOfImports));
  for (const [what, count] of Object.entries(others)) assert.ok(count > 20, `${what}: ${count}`);
  assert.ok(seen.broken < seen.pages, "no page is whole");
});

interface Asked {
  readonly port: string;
  readonly client: ClientScope;
}

/** By row: the pages that are taken as they are, and what stands beside them. */
function expanded(names: SettledNames, key: string, { port: number, client }: Asked) {
  const { broken = [], hosts = [] } = names.ofPorts.get(key) ?? {};
  const allPages = client.imports === undefined ? (names.pagesOfPorts.get(number) ?? []) : [];
  const pages = allPages.filter((page) => !broken.includes(page));
  const ofPages = pages.flatMap((page) =>
    (names.ofPages.get(pageKey(number, page)) ?? []).map(
      ([row, host]) => [row, host.domains[spellingOf(page, client)] ?? []] as const,
    ),
  );
  const all = [...ofPages, ...hosts];
  assert.equal(new Set(all.map(([row]) => row)).size, all.length, "a virtual host stands twice");
  return new Map(all.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function settledAtOnce(names: SettledNames, number: string, client: ClientScope) {
  const rows = new Map<string, readonly [string, HostNames]>();
  const [layers, ofHosts] =
    client.imports === undefined ? [[MESH_LAYER, client.id], names.ofHosts] : [[client.id], names.ofImports];
  for (const layer of layers) {
    for (const [key, host] of ofHosts.entries()) {
      const { layer: own, name: row } = splitLayerKey(key);
      if (own === layer && host.routeName === number) rows.set(row, [layerKey(layer, row), host]);
    }
  }
  const settled = settle(rows, client);
  const domains = settled.map((host) => [host.key, host.domains] as const);
  return {
    domains: new Map(domains.sort(([a], [b]) => (a < b ? -1 : 1))),
    lost: settled.filter(({ isWhole }) => !isWhole).length,
  };
}
