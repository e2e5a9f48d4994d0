// Runs Istio's cases of virtual hosts: the domains of a service for one client, and who keeps a domain that several
// virtual hosts of one route configuration claim.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { declareResourceTables } from "../../src/fleet/resource-tables.ts";
import type { VirtualHost } from "../../src/gen/envoy/config/route/v3/route_components_pb.ts";
import { RouteConfigurationSchema } from "../../src/gen/envoy/config/route/v3/route_pb.ts";
import type { ConnectedProxy } from "../../src/view/client-scope.ts";
import { layerKey } from "../../src/view/layer-id.ts";
import { claimedDomains } from "../../src/view/virtual-host-names.ts";
import { sidecar, viewFixture } from "../support/view-fixture.ts";
import { caseDirectory, skipWithout } from "./case-directory.ts";
import { deviationsOf } from "./deviations.ts";

const directory = caseDirectory("hosts");
const deviations = deviationsOf("hosts");

if (directory === undefined) {
  test("hosts cases", { skip: skipWithout(directory) }, () => undefined);
} else {
  const domainCases = read<DomainsCase[]>(directory, "domains.json");
  const duplicateCases = read<DuplicatesCase[]>(directory, "duplicates.json");
  test("hosts cases are there", () => assert.ok(domainCases.length > 0 && duplicateCases.length > 0));
  for (const each of domainCases) {
    const found = isOfRegistryOnly(each) ? claimsOf : domainsOf;
    test(`hosts case domains: ${each.name}`, () => judge(each.name, found(each), each.domains));
  }
  for (const each of duplicateCases) {
    const { virtualHosts, clusters } = each;
    test(`hosts case duplicates: ${each.name}`, () =>
      judge(each.name, routeTableOf(each), { virtualHosts, clusters }));
  }
}

interface DomainsCase {
  readonly name: string;
  readonly service: {
    readonly hostname: string;
    readonly aliases?: readonly { readonly hostname: string }[];
    readonly registry?: string;
    readonly resolution: string;
    readonly defaultAddress?: string;
    readonly clusterVIPs?: Readonly<Record<string, readonly string[]>>;
  };
  readonly proxy: {
    readonly dnsDomain: string;
    readonly ips?: readonly string[];
    readonly metadata?: { readonly CLUSTER_ID?: string };
  };
  readonly port: number;
  readonly domains: readonly string[];
}

/** A service of Istio's registry that no objects of ours make: one with an alias outside of Kubernetes. */
function isOfRegistryOnly({ service: { aliases = [] } }: DomainsCase): boolean {
  return aliases.length > 0;
}

/** What has no part in the names. */
const ofCluster = { namespace: "default", registry: "Kubernetes" } as const;

function claimsOf({ service, proxy }: DomainsCase): readonly string[] {
  const { hostname, aliases = [] } = service;
  const host = { routeName: "80", hostname, addresses: [], service: ofCluster, isHeadless: false };
  return claimedDomains(
    { ...host, aliases: aliases.map((alias) => alias.hostname) },
    { domain: proxy.dnsDomain, families: "ipv4" },
  );
}

function domainsOf({ service, port, proxy }: DomainsCase): readonly string[] | undefined {
  const { hostname, clusterVIPs = {}, defaultAddress } = service;
  const ofCluster = clusterVIPs[proxy.metadata?.CLUSTER_ID ?? ""] ?? [];
  const fallback = defaultAddress === undefined ? [] : [defaultAddress];
  const entry = serviceEntryOf({
    hostname,
    namespace: "default",
    ports: [{ name: "http", port, protocol: "HTTP" }],
    addresses: ofCluster.length > 0 ? ofCluster : fallback,
  });
  const client = { ...sidecar("tests", "client"), domain: proxy.dnsDomain, addresses: proxy.ips ?? [] };
  return virtualHostsOf(JSON.stringify(entry), client, String(port)).find(
    ({ name }) => name === `${hostname}:${port}`,
  )?.domains;
}

interface DuplicatesCase {
  readonly name: string;
  readonly services: readonly CaseService[];
  /** Istio YAML. */
  readonly config: string;
  readonly proxy: { readonly dnsDomain: string; readonly namespace: string; readonly id: string };
  readonly routeConfig: string;
  readonly virtualHosts: Readonly<Record<string, readonly string[]>>;
  readonly clusters: Readonly<Record<string, string>>;
}

interface CaseService {
  readonly hostname: string;
  readonly namespace: string;
  readonly exportTo?: readonly string[];
  readonly ports: readonly { readonly name: string; readonly port: number; readonly protocol: string }[];
  readonly addresses?: readonly string[];
}

function routeTableOf({ services, config, proxy, routeConfig }: DuplicatesCase): unknown {
  const documents = [...services.map(serviceEntryOf).map((entry) => JSON.stringify(entry)), config];
  const client = { ...sidecar(proxy.namespace, proxy.id), domain: proxy.dnsDomain };
  const found = virtualHostsOf(documents.join("\n---\n"), client, routeConfig);
  return {
    virtualHosts: Object.fromEntries(found.map(({ name, domains }) => [name, domains])),
    clusters: Object.fromEntries(found.map((host) => [host.name, firstCluster(host)])),
  };
}

/** Objects in, the route configuration out that the client is served. */
function virtualHostsOf(yaml: string, client: ConnectedProxy, routeConfig: string): readonly VirtualHost[] {
  const mesh = viewFixture();
  const { route } = declareResourceTables(mesh.graph, mesh.views);
  mesh.put(yaml);
  mesh.connect(client);
  const scope = mesh.views.scopes.ofProxy.get(`${client.namespace}/${client.name}`);
  assert.ok(scope !== undefined);
  const row = route.get(layerKey(scope.id, routeConfig));
  assert.ok(row?.kind === "present", `no route configuration "${routeConfig}"`);
  return fromBinary(RouteConfigurationSchema, Buffer.concat(row.resource.body)).virtualHosts;
}

/** Istio's registry holds services of any name; here those are ServiceEntries. */
function serviceEntryOf({ hostname, namespace, exportTo, ports, addresses }: CaseService, at = 0) {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "ServiceEntry",
    metadata: { name: `service-${at}`, namespace, creationTimestamp: new Date(at * 1000).toISOString() },
    spec: {
      hosts: [hostname],
      exportTo,
      addresses,
      ports: ports.map(({ name, port, protocol }) => ({ name, number: port, protocol })),
      resolution: "STATIC",
      location: "MESH_INTERNAL",
    },
  };
}

function firstCluster({ routes }: VirtualHost): string | undefined {
  const action = routes[0]?.action;
  return action?.case === "route" && action.value.clusterSpecifier.case === "cluster"
    ? action.value.clusterSpecifier.value
    : undefined;
}

function judge(name: string, found: unknown, wanted: unknown): void {
  if (deviations.has(name))
    assert.notDeepEqual(found, wanted, `${name} agrees: take it out of deviations.yaml`);
  else assert.deepEqual(found, wanted);
}

function read<T>(folder: string, file: string): T {
  return JSON.parse(readFileSync(`${folder}/${file}`, "utf8")) as T;
}
