// Runs Istio's cases of virtual hosts: the domains of a service for one client, and who keeps a domain that several
// virtual hosts of one route configuration claim.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { untrackedRead } from "../../src/graph/read.ts";
import { addressesForProxy } from "../../src/model/proxy-addresses.ts";
import { virtualHostDomains } from "../../src/model/virtual-host-domains.ts";
import { claimedDomains, settleDomains } from "../../src/view/route-table.ts";
import { layerKey } from "../../src/view/scoped-rows.ts";
import { sidecar, viewFixture } from "../../src/view/view-fixture.ts";
import type { SidecarVirtualHost } from "../../src/view/virtual-hosts.ts";
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
    test(`hosts case domains: ${each.name}`, () => judge(each.name, domainsOf(each), each.domains));
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
  readonly dualStack: boolean;
  readonly domains: readonly string[];
}

function domainsOf({ service, proxy, dualStack }: DomainsCase): readonly string[] {
  const ofCluster = service.clusterVIPs?.[proxy.metadata?.CLUSTER_ID ?? ""] ?? [];
  const fallback = service.defaultAddress === undefined ? [] : [service.defaultAddress];
  const addresses = addressesForProxy(ofCluster.length > 0 ? ofCluster : fallback, {
    proxyAddresses: proxy.ips ?? [],
    isDualStack: dualStack,
  });
  return virtualHostDomains({
    hostname: service.hostname,
    aliases: (service.aliases ?? []).map(({ hostname }) => hostname),
    addresses,
    proxyDomain: proxy.dnsDomain,
    isHeadless: service.resolution === "Passthrough" && service.registry === "Kubernetes",
  });
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
  readonly exportTo: readonly string[];
  readonly ports: readonly { readonly name: string; readonly port: number; readonly protocol: string }[];
}

function routeTableOf({ services, config, proxy, routeConfig }: DuplicatesCase): unknown {
  const documents = [...services.map(serviceEntryOf).map((entry) => JSON.stringify(entry)), config];
  const mesh = viewFixture(documents.join("\n---\n"));
  mesh.connect(sidecar(proxy.namespace, proxy.id));
  // No rule of the cases is private, so the mesh's rows are all there is.
  const hosts = untrackedRead
    .find(mesh.views.virtualHosts.byRoute, layerKey("", routeConfig))
    .flatMap(([, row]) => (row.kind === "present" ? [row.inputs] : []))
    .sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
  const settled = settleDomains(
    hosts.map((host) => ({ name: host.name, domains: claimedDomains(host, proxy.dnsDomain) })),
  );
  const virtualHosts: Record<string, readonly string[]> = { allow_any: ["*"] };
  const clusters: Record<string, string> = { allow_any: "PassthroughCluster" };
  for (const [at, host] of hosts.entries()) {
    const domains = settled[at] ?? [];
    if (domains.length === 0) continue;
    virtualHosts[host.name] = domains;
    clusters[host.name] = firstCluster(host);
  }
  return { virtualHosts, clusters };
}

/** Istio's registry holds services of any name; here those are ServiceEntries. */
function serviceEntryOf({ hostname, namespace, exportTo, ports }: CaseService, at: number) {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "ServiceEntry",
    metadata: { name: `service-${at}`, namespace, creationTimestamp: new Date(at * 1000).toISOString() },
    spec: {
      hosts: [hostname],
      exportTo,
      ports: ports.map(({ name, port, protocol }) => ({ name, number: port, protocol })),
      resolution: "DNS",
      location: "MESH_INTERNAL",
    },
  };
}

function firstCluster({ routes }: SidecarVirtualHost): string {
  return routes[0]?.destinations[0]?.cluster ?? "";
}

function judge(name: string, found: unknown, wanted: unknown): void {
  if (deviations.has(name))
    assert.notDeepEqual(found, wanted, `${name} agrees: take it out of deviations.yaml`);
  else assert.deepEqual(found, wanted);
}

function read<T>(folder: string, file: string): T {
  return JSON.parse(readFileSync(`${folder}/${file}`, "utf8")) as T;
}
