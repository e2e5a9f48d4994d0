// Services and their endpoints as Istio's control plane shows its registry. Field names, also their mixed spelling, are
// Istio's.

import { OWN_CLUSTER } from "../core/workload-description.ts";
import type { ServiceEndpoint } from "../model/endpoints.ts";
import type { MeshService, Resolution } from "../model/service.ts";

export interface RegistryFacts {
  services(): Iterable<MeshService>;
  endpointsOf(service: MeshService): readonly ServiceEndpoint[];
}

// ClientSideLB, DNSLB, Passthrough and DNSRoundRobinLB of Istio's model.
const resolutions: Readonly<Record<Resolution, number>> = {
  endpoints: 0,
  dns: 1,
  headless: 2,
  none: 2,
  "dns-round-robin": 3,
};

/** By namespace and host. */
export function registeredServices(facts: RegistryFacts): readonly unknown[] {
  return inOrder(facts).map((service) => ({
    Attributes: {
      ServiceRegistry: service.registry,
      Name: service.name,
      Namespace: service.namespace,
      LabelSelectors: service.selector ?? {},
      ExportTo: exportsOf(service),
    },
    ports: service.ports.map(({ name, number, protocol }) => ({ name, port: number, protocol })),
    creationTime: service.createdAt,
    hostname: service.hostname,
    clusterVIPs: { Addresses: { Kubernetes: service.addresses } },
    defaultAddress: service.addresses[0] ?? "0.0.0.0",
    ...(service.automaticAddress === undefined ? {} : { autoAllocatedIPv4Address: service.automaticAddress }),
    Resolution: resolutions[service.resolution],
    MeshExternal: service.isExternal,
  }));
}

/** By host and namespace. */
export function endpointShards(facts: RegistryFacts): Readonly<Record<string, unknown>> {
  const shards: Record<string, Record<string, unknown>> = {};
  for (const service of inOrder(facts)) {
    const endpoints = facts.endpointsOf(service);
    const identities = endpoints.flatMap(({ identity }) => (identity === undefined ? [] : [identity]));
    const ofHost = shards[service.hostname] ?? {};
    ofHost[service.namespace] = {
      Shards: {
        [`${service.registry}/Kubernetes`]: endpoints.map((endpoint) => endpointOf(endpoint, service)),
      },
      ServiceAccounts: Object.fromEntries([...new Set(identities)].sort().map((identity) => [identity, {}])),
    };
    shards[service.hostname] = ofHost;
  }
  return shards;
}

function endpointOf(endpoint: ServiceEndpoint, { ports }: MeshService) {
  const { servicePort, isHealthy, isDraining } = endpoint;
  return {
    Labels: endpoint.labels,
    Addresses: [endpoint.address],
    ServicePortName: ports.find(({ number }) => number === servicePort)?.name ?? "",
    ServiceAccount: endpoint.identity ?? "",
    Locality: { Label: endpoint.locality, ClusterID: OWN_CLUSTER },
    EndpointPort: endpoint.port,
    LbWeight: endpoint.weight,
    TLSMode: endpoint.isMutualTls ? "istio" : "disabled",
    Namespace: endpoint.namespace,
    WorkloadName: endpoint.workload,
    // Healthy, UnHealthy and Draining of Istio's model.
    HealthStatus: isDraining ? 3 : isHealthy ? 1 : 2,
  };
}

function exportsOf({ visibility }: MeshService): Readonly<Record<string, object>> {
  const namespaces = visibility === "public" ? ["*"] : visibility.namespaces;
  return Object.fromEntries(namespaces.map((namespace) => [namespace, {}]));
}

function inOrder(facts: RegistryFacts): readonly MeshService[] {
  const keyOf = ({ namespace, hostname }: MeshService) => `${namespace}/${hostname}`;
  return [...facts.services()].sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
}
