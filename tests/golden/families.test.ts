// What a proxy's IP families decide: where it listens, where its connections come from, and which addresses it calls.

import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Cluster_DnsLookupFamily } from "../../src/gen/envoy/config/cluster/v3/cluster_pb.ts";
import type { Address } from "../../src/gen/envoy/config/core/v3/address_pb.ts";
import { meshScopeOf } from "../../src/view/client-scope.ts";
import { sidecarLayer } from "../../src/view/layer-id.ts";
import { emptyMesh, type LayerResources, layerResources, proxiesByFamilies } from "./mesh-resources.ts";
import { assertGolden } from "./printed.ts";

for (const families of ["ipv6", "dual"] as const) {
  test(`the addresses of a proxy that is ${families}`, () => {
    const mesh = emptyMesh();
    mesh.put(readFileSync(new URL("meshes/families.yaml", import.meta.url), "utf8"));
    const proxy = proxiesByFamilies[families];
    mesh.connect(proxy);
    const key = `${proxy.namespace}/${proxy.name}`;
    const { scopes, inboundOfProxy } = mesh.views;
    const own = `=${inboundOfProxy.get(key)?.id}`;
    const scope = scopes.ofProxy.get(key)?.id ?? "";
    const ofFamilies = [own, scope, meshScopeOf(families).id, sidecarLayer(families)].map((layer) =>
      layerResources(mesh, layer),
    );
    assertGolden(`addresses-${families}`, {
      listeners: Object.fromEntries(ofFamilies.flatMap(listening)),
      clusters: Object.fromEntries(ofFamilies.flatMap(calling)),
      endpoints: Object.fromEntries(called(layerResources(mesh, ""))),
    });
  });
}

function listening({ listeners }: LayerResources) {
  return listeners.map(({ name, address, additionalAddresses }) => [
    name,
    [address, ...additionalAddresses.map((one) => one.address)].map(text),
  ]);
}

function calling({ clusters }: LayerResources) {
  return clusters.map(({ name, dnsLookupFamily, upstreamBindConfig }) => {
    const { sourceAddress, extraSourceAddresses = [] } = upstreamBindConfig ?? {};
    const from = [sourceAddress, ...extraSourceAddresses.map(({ address }) => address)];
    return [
      name,
      sourceAddress === undefined
        ? Cluster_DnsLookupFamily[dnsLookupFamily]
        : from.map((one) => one?.address),
    ];
  });
}

function called({ endpoints }: LayerResources) {
  return endpoints.map((assignment) => [
    assignment.clusterName,
    assignment.endpoints
      .flatMap(({ lbEndpoints }) => lbEndpoints.map(({ hostIdentifier }) => hostIdentifier))
      .map(({ case: kind, value }) =>
        kind === "endpoint"
          ? [value.address, ...value.additionalAddresses.map(({ address }) => address)].map(text)
          : [],
      ),
  ]);
}

function text(address: Address | undefined): string {
  if (address?.address.case !== "socketAddress") return "none";
  const { address: host, portSpecifier } = address.address.value;
  return `${host} ${portSpecifier.value}`;
}
