// Ways to look up what checks compare, so that a check reads only what concerns its object.

import { ipFamiliesOf } from "../../core/ip-families.ts";
import type { Graph } from "../../graph/graph.ts";
import type { Index } from "../../graph/table-index.ts";
import type { Secret } from "../../kinds/secret.ts";
import type { VirtualService } from "../../kinds/virtual-service/virtual-service.ts";
import { MESH_GATEWAY } from "../gateway-name.ts";
import { type DroppedServer, gatewayPorts } from "../gateway-servers.ts";
import type { Model } from "../model.ts";
import { isPlain, type MeshService, type MeshServicePort } from "../service.ts";
import type { Sources } from "../sources.ts";
import type { Workload } from "../workloads.ts";
import { destinationsIn } from "./route-destinations.ts";

export interface ProblemIndexes {
  /** Those that gateways follow, by `routedHostKeys` of their destinations. */
  readonly gatewayRoutesByHost: Index<VirtualService>;
  /** By the ObjectKey of the Gateway that loses. */
  readonly droppedServers: Index<readonly DroppedServer[]>;
  /** By `key=value` of each label. */
  readonly workloadsByLabel: Index<Workload>;
  /** By `workloadPortKeys`. */
  readonly servicesByWorkloadPort: Index<MeshService>;
  readonly secretsByName: Index<Secret>;
  readonly kubernetesServicesByName: Index<MeshService>;
  /** Those without an address, by each port whose bytes name no host. */
  readonly plainServicesByPort: Index<MeshService>;
}

export function declareProblemIndexes(graph: Graph, sources: Sources, model: Model): ProblemIndexes {
  return {
    gatewayRoutesByHost: graph.index(
      sources.VirtualService,
      "VirtualServices of gateways by host",
      routedHosts,
    ),
    droppedServers: declareDroppedServers(graph, model),
    workloadsByLabel: graph.index(model.workloads.table, "workloads by label", ({ labels }) =>
      Object.entries(labels).map(labelKey),
    ),
    servicesByWorkloadPort: graph.index(
      model.services,
      "services by port of their workloads",
      (service) => new Set(service.ports.flatMap((port) => workloadPortKeys(service, port))),
    ),
    secretsByName: graph.index(model.secrets, "secrets by name", ({ metadata }) => [metadata.name]),
    kubernetesServicesByName: graph.index(
      model.services,
      "Kubernetes' services by name",
      ({ registry, name }) => (registry === "Kubernetes" ? [name] : []),
    ),
    plainServicesByPort: graph.index(model.services, "services without an address by port", (service) =>
      service.resolution === "headless" || service.addresses.length > 0
        ? []
        : new Set(
            service.ports.filter(({ protocol }) => isPlain(protocol)).map(({ number }) => String(number)),
          ),
    ),
  };
}

function routedHosts(object: VirtualService): Iterable<string> {
  const isOfGateway = (object.spec.gateways ?? []).some((gateway) => gateway !== MESH_GATEWAY);
  if (!isOfGateway) return [];
  const { namespace } = object.metadata;
  const hosts = [...destinationsIn(object)].map(({ destination: { host } }) => host.toLowerCase());
  return new Set(hosts.map((host) => (host.includes(".") ? host : shortHostKey(host, namespace))));
}

/** By its full name, or by a short one in its own namespace. */
export function routedHostKeys({ hostname, name, namespace }: MeshService): readonly string[] {
  return [hostname, shortHostKey(name, namespace)];
}

function shortHostKey(name: string, namespace: string): string {
  return `${namespace}/${name}`;
}

/** Of each pod that some Gateway selects. */
function declareDroppedServers(graph: Graph, model: Model): Index<readonly DroppedServer[]> {
  const gatewaysByLabel = graph.index(model.gateways, "Gateways by selector", ({ spec }) =>
    Object.entries(spec.selector ?? {})
      .slice(0, 1)
      .map(labelKey),
  );
  const ofPods = graph.derive<Workload, readonly DroppedServer[]>({
    name: "gateway servers that share no port",
    from: model.workloads.table,
    rows: (key, pod, read) => {
      const labels = Object.entries(pod.labels).map(labelKey);
      if (!labels.some((label) => read.find(gatewaysByLabel, label).length > 0)) return [];
      const addresses = [pod.address];
      const ports = gatewayPorts({ ...pod, addresses }, ipFamiliesOf(addresses), { model, read });
      const dropped = ports.flatMap((port) => port.dropped);
      return dropped.length === 0 ? [] : [[key, dropped]];
    },
  });
  return graph.index(
    ofPods,
    "gateway servers that share no port, by Gateway",
    (dropped) => new Set(dropped.map(({ server }) => server.object)),
  );
}

export function labelKey([key, value]: readonly [string, string]): string {
  return `${key}=${value}`;
}

/** One for each label that the service selects: services of overlapping selectors have one in common. */
export function workloadPortKeys(
  { namespace, selector = {} }: MeshService,
  port: MeshServicePort,
): readonly string[] {
  const target = workloadPort(port);
  return Object.entries(selector).map((label) => `${namespace} ${target} ${labelKey(label)}`);
}

/** The port of the application, by number or by name. */
export function workloadPort({ targetPort, targetPortName, number }: MeshServicePort): string {
  return String(targetPort ?? targetPortName ?? number);
}
