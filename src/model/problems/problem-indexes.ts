// Ways to look up what checks compare, so that a check reads only what concerns its object.

import { ipFamiliesOf } from "../../core/ip-families.ts";
import { isHttp, isSniffed } from "../../core/protocol.ts";
import type { Graph } from "../../graph/graph.ts";
import type { Index } from "../../graph/table-index.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import type { Secret } from "../../kinds/secret.ts";
import type { VirtualService } from "../../kinds/virtual-service/virtual-service.ts";
import { MESH_GATEWAY } from "../gateway-name.ts";
import { type DroppedServer, gatewayPorts } from "../gateway-servers.ts";
import type { Model } from "../model.ts";
import { isPlain, type MeshService, type MeshServicePort } from "../service.ts";
import type { Sources } from "../sources.ts";
import { addressedPorts } from "../workload-ports.ts";
import type { Workload } from "../workloads.ts";
import { declareNamespacedRows, type NamespacedRows } from "./namespaced-rows.ts";
import { declareProbedPods, type ProbedPod, portsPastProxy } from "./probed-pods.ts";
import { destinationsIn } from "./route-destinations.ts";
import { declareUnguardedPods } from "./unguarded-pods.ts";

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
  /** Those that gateways route to. */
  readonly routedServices: NamespacedRows<MeshService>;
  /** Those with a port that isn't HTTP, and a selector. */
  readonly connectionServices: NamespacedRows<MeshService>;
  /** Pods that have Prometheus scrape a port of the application. */
  readonly scrapedPods: NamespacedRows<ScrapedPod>;
  readonly probedPods: NamespacedRows<ProbedPod>;
  readonly unguardedPods: NamespacedRows<Workload>;
}

export interface ScrapedPod {
  readonly namespace: string;
  readonly pod: Workload;
  readonly port: number;
}

export function declareProblemIndexes(graph: Graph, sources: Sources, model: Model): ProblemIndexes {
  const gatewayRoutesByHost = graph.index(
    sources.VirtualService,
    "VirtualServices of gateways by host",
    routedHosts,
  );
  return {
    gatewayRoutesByHost,
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
    routedServices: declareRoutedServices(graph, model, gatewayRoutesByHost),
    connectionServices: declareConnectionServices(graph, model),
    scrapedPods: declareScrapedPods(graph, sources, model),
    probedPods: declareProbedPods(graph, sources, model),
    unguardedPods: declareUnguardedPods(graph, model),
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

function declareRoutedServices(
  graph: Graph,
  { services }: Model,
  routes: Index<VirtualService>,
): NamespacedRows<MeshService> {
  const table = graph.derive<MeshService, MeshService>({
    name: "services that gateways route to",
    from: services,
    rows: (key, service, read) =>
      routedHostKeys(service).some((host) => read.find(routes, host).length > 0) ? [[key, service]] : [],
  });
  return declareNamespacedRows(graph, table);
}

function declareConnectionServices(graph: Graph, { services }: Model): NamespacedRows<MeshService> {
  const table = graph.derive<MeshService, MeshService>({
    name: "services with ports that aren't HTTP",
    from: services,
    rows: (key, service) =>
      Object.keys(service.selector ?? {}).length > 0 && service.ports.some(isOfConnections)
        ? [[key, service]]
        : [],
  });
  return declareNamespacedRows(graph, table);
}

/** A proxy sees connections of bytes there, and no requests. */
export function isOfConnections({ protocol }: MeshServicePort): boolean {
  return !isHttp(protocol) && !isSniffed(protocol) && protocol !== "UDP";
}

function declareScrapedPods(graph: Graph, sources: Sources, model: Model): NamespacedRows<ScrapedPod> {
  const table = graph.derive<Pod, ScrapedPod>({
    name: "scraped pods",
    from: sources.Pod,
    rows: (key, { metadata: { annotations } }, read) => {
      const port = annotations === undefined ? undefined : scrapedPort(annotations);
      const pod = port === undefined ? undefined : read.get(model.workloads.table, key);
      if (port === undefined || pod?.hasMutualTls !== true) return [];
      return [[key, { namespace: pod.namespace, pod, port }]];
    },
  });
  return declareNamespacedRows(graph, table);
}

/** As the pod was made: where metrics are merged, injection has written the agent's port. */
function scrapedPort(annotations: Readonly<Record<string, string>>): number | undefined {
  const port = Number(annotations["prometheus.io/port"] ?? "");
  if (annotations["prometheus.io/scrape"] !== "true" || !Number.isInteger(port) || port < 1) return undefined;
  return portsPastProxy(annotations).includes(port) ? undefined : port;
}

/** Of each pod that some Gateway selects. */
function declareDroppedServers(graph: Graph, model: Model): Index<readonly DroppedServer[]> {
  // One of each selector, in one row: most pods of a mesh are no gateways, and have many labels.
  const selected = graph.deriveOne<ReadonlySet<string>>({
    name: "labels that Gateways select",
    value: (read) =>
      new Set(
        read.all(model.gateways).flatMap(([, { spec }]) =>
          Object.entries(spec.selector ?? {})
            .slice(0, 1)
            .map(labelKey),
        ),
      ),
  });
  const ofPods = graph.derive<Workload, readonly DroppedServer[]>({
    name: "gateway servers that share no port",
    from: model.workloads.table,
    rows: (key, pod, read) => {
      const labels = read.one(selected);
      if (labels.size === 0 || !Object.entries(pod.labels).some((label) => labels.has(labelKey(label))))
        return [];
      const addresses = [pod.address];
      const place = { ...pod, addressedPorts: addressedPorts({ ...pod, addresses }, { model, read }) };
      const ports = gatewayPorts(place, ipFamiliesOf(addresses), { model, read });
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
