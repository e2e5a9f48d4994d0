// The table of services, from Kubernetes' Services and from ServiceEntries, rows by `namespace/hostname`.

import { addressKey, isUnspecifiedAddress, rangeOfOne } from "../core/cidr.ts";
import { canonicalHostname } from "../core/hostname.ts";
import { objectKey } from "../core/object-key.ts";
import { parseProtocol, protocolOfServicePort } from "../core/protocol.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import type { Index } from "../graph/table-index.ts";
import { type ClaimedField, claims } from "../kinds/claims.ts";
import { meshConfigKind } from "../kinds/mesh-config/mesh-config.ts";
import { type Service, type ServicePort, serviceKind } from "../kinds/service.ts";
import {
  allocateAutomaticAddresses,
  automaticAddressKeys,
} from "../kinds/service-entry/automatic-address.ts";
import { type ServiceEntry, serviceEntryKind } from "../kinds/service-entry/service-entry.ts";
import type { ServiceEntrySpec } from "../kinds/service-entry/service-entry-spec.ts";
import { declareMergedEntries } from "./merged-entries.ts";
import type { MeshSettings } from "./mesh-settings.ts";
import type { MeshService, MeshServicePort, Resolution, TrafficPreference } from "./service.ts";
import { serviceKey } from "./service.ts";
import { type Aliases, aliasesOf, declareAliases } from "./service-aliases.ts";
import type { Sources } from "./sources.ts";
import { resolveVisibility, type Visibility } from "./visibility.ts";

export const serviceFields: readonly ClaimedField[] = [
  ...claims(serviceKind, [
    "spec.clusterIP",
    "spec.clusterIPs",
    "spec.selector.*",
    "spec.type",
    "spec.externalName",
    "spec.publishNotReadyAddresses",
    "spec.internalTrafficPolicy",
    "spec.trafficDistribution",
  ]),
  ...claims(serviceKind, "spec.ports[]", ["port", "name", "protocol", "appProtocol", "targetPort"]),
  ...claims(serviceEntryKind, [
    "spec.hosts",
    "spec.addresses",
    "spec.location",
    "spec.resolution",
    "spec.exportTo",
    "spec.subjectAltNames",
    "spec.workloadSelector.labels.*",
  ]),
  ...claims(serviceEntryKind, "spec.ports[]", ["number", "name", "protocol", "targetPort"]),
  ...claims(serviceEntryKind, "spec.endpoints[]", [
    "address",
    "ports.*",
    "labels.*",
    "locality",
    "weight",
    "serviceAccount",
  ]),
  ...claims(meshConfigKind, ["spec.defaultServiceExportTo"]),
];

const EXPORT_TO_ANNOTATION = "networking.istio.io/exportTo";
const KEEPS_GATEWAY_PORTS_LABEL = "experimental.istio.io/disable-gateway-port-translation";
const TRAFFIC_DISTRIBUTION_ANNOTATION = "networking.istio.io/traffic-distribution";

export interface Services {
  readonly table: Table<MeshService>;
  /** Each ServiceEntry's alone, by the key of the service that they make together. */
  readonly entriesByHost: Index<MeshService>;
}

/** A Service stands before a ServiceEntry that names the same host in the same namespace. */
export function declareServices(graph: Graph, sources: Sources, settings: Table<MeshSettings>): Services {
  const aliases = declareAliases(graph, sources, settings);
  const fromKubernetes = graph.derive<Service, MeshService>({
    name: "services of Kubernetes",
    from: sources.Service,
    *rows(_key, service, read) {
      if (service.spec?.type === "ExternalName") return;
      const found = withAliases(kubernetesService(service, read.one(settings)), aliases, read);
      yield [serviceKey(found), found];
    },
  });
  const automaticAddresses = graph.deriveOne<ReadonlyMap<string, string>>({
    name: "automatic addresses",
    value: (read) =>
      allocateAutomaticAddresses(
        read.all(sources.ServiceEntry).flatMap(([, entry]) => automaticAddressKeys(entry)),
      ),
    equal: equalMaps,
  });
  const entries = graph.derive<ServiceEntry, MeshService>({
    name: "hosts of ServiceEntries",
    from: sources.ServiceEntry,
    *rows(_key, entry, read) {
      const keysWithout = new Set(automaticAddressKeys(entry));
      for (const hostname of new Set(entry.spec.hosts.map(canonicalHostname))) {
        const found = withAliases(entryService(entry, hostname, read.one(settings)), aliases, read);
        const automaticAddress = keysWithout.has(serviceKey(found))
          ? read.one(automaticAddresses).get(serviceKey(found))
          : undefined;
        const service = automaticAddress === undefined ? found : { ...found, automaticAddress };
        yield [`${serviceKey(found)} ${entry.metadata.name}`, service];
      }
    },
  });
  const entriesByHost = graph.index(entries, "hosts of ServiceEntries by service", (service) => [
    serviceKey(service),
  ]);
  const fromEntries = declareMergedEntries(graph, entriesByHost);
  return { table: graph.union("services", [fromKubernetes, fromEntries]), entriesByHost };
}

function withAliases(service: MeshService, table: Aliases, read: Read): MeshService {
  const aliases = aliasesOf(service.hostname, table, read);
  return aliases.length === 0 ? service : { ...service, aliases };
}

function equalMaps(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
}

function kubernetesService(service: Service, settings: MeshSettings): MeshService {
  const { name, namespace, annotations, labels, creationTimestamp } = service.metadata;
  const spec = service.spec ?? {};
  return {
    hostname: `${name}.${namespace}.svc.${settings.clusterDomain}`,
    namespace,
    name,
    registry: "Kubernetes",
    ports: (spec.ports ?? []).flatMap(kubernetesPort),
    addresses: virtualAddresses(spec.clusterIPs ?? [spec.clusterIP ?? ""]),
    aliases: [],
    resolution: spec.clusterIP === "None" ? "headless" : "endpoints",
    isExternal: false,
    visibility: resolveVisibility(
      words(annotations?.[EXPORT_TO_ANNOTATION]),
      namespace,
      settings.defaultExportTo.service,
    ),
    selector: spec.selector,
    parts: [],
    subjectAltNames: [],
    publishesNotReady: spec.publishNotReadyAddresses ?? false,
    isNodeLocal: spec.internalTrafficPolicy === "Local",
    preference: trafficPreference(spec.trafficDistribution ?? annotations?.[TRAFFIC_DISTRIBUTION_ANNOTATION]),
    ...gatewayPorts(labels),
    createdAt: creationTimestamp ?? "",
    object: objectKey({ kind: "Service", namespace, name }),
  };
}

function gatewayPorts(labels: Readonly<Record<string, string>> = {}): Pick<MeshService, "keepsGatewayPorts"> {
  return labels[KEEPS_GATEWAY_PORTS_LABEL] === "true" ? { keepsGatewayPorts: true } : {};
}

/** Of what a Service's trafficDistribution says; `PreferClose` is the older word for `PreferSameZone`. */
function trafficPreference(written: string | undefined): TrafficPreference {
  switch (written?.toLowerCase()) {
    case "preferclose":
    case "prefersamezone":
      return "same-zone";
    case "prefersamenode":
      return "same-node";
    default:
      return "none";
  }
}

function kubernetesPort({ name, appProtocol, port, protocol, targetPort }: ServicePort): MeshServicePort[] {
  const mesh = protocolOfServicePort({ name, appProtocol, port, transport: protocol });
  if (mesh === "UDP" || protocol === "SCTP") return [];
  return [
    {
      name: name ?? "",
      number: port,
      protocol: mesh,
      targetPort: typeof targetPort === "string" ? undefined : (targetPort ?? port),
      ...(typeof targetPort === "string" ? { targetPortName: targetPort } : {}),
    },
  ];
}

function virtualAddresses(addresses: readonly string[]): readonly string[] {
  return addresses.filter((address) => address !== "" && address !== "None");
}

function words(list: string | undefined): readonly string[] | undefined {
  return list?.split(",").map((word) => word.trim());
}

function entryService(entry: ServiceEntry, hostname: string, settings: MeshSettings): MeshService {
  const { name, namespace, annotations, labels, creationTimestamp } = entry.metadata;
  const { spec } = entry;
  const ports = (spec.ports ?? []).flatMap(entryPort);
  const object = objectKey({ kind: "ServiceEntry", namespace, name });
  return {
    hostname,
    namespace,
    name,
    registry: "External",
    ports,
    addresses: entryAddresses(spec),
    aliases: [],
    resolution: entryResolution(spec),
    isExternal: spec.location !== "MESH_INTERNAL",
    visibility: entryVisibility(entry, settings),
    selector: spec.workloadSelector?.labels,
    parts: [{ object, ports, endpoints: spec.endpoints ?? [] }],
    subjectAltNames: spec.subjectAltNames ?? [],
    publishesNotReady: false,
    isNodeLocal: false,
    preference: trafficPreference(annotations?.[TRAFFIC_DISTRIBUTION_ANNOTATION]),
    ...gatewayPorts(labels),
    createdAt: creationTimestamp ?? "",
    object,
  };
}

/** Each once, however it is spelled; a range of one is an address, and "any address" names none. */
function entryAddresses({ addresses = [] }: ServiceEntrySpec): readonly string[] {
  const byKey = new Map<string, string>();
  for (const written of addresses) {
    const address = rangeOfOne(written) ?? written;
    const key = addressKey(address) ?? address;
    if (!isUnspecifiedAddress(address) && !byKey.has(key)) byKey.set(key, address);
  }
  return [...byKey.values()];
}

function entryPort(port: NonNullable<ServiceEntrySpec["ports"]>[number]): MeshServicePort[] {
  const protocol = parseProtocol(port.protocol ?? "");
  if (protocol === "UDP") return [];
  return [{ name: port.name, number: port.number, protocol, targetPort: port.targetPort ?? port.number }];
}

function entryResolution({ resolution, workloadSelector }: ServiceEntrySpec): Resolution {
  switch (resolution) {
    case "STATIC":
      return "endpoints";
    case "DNS":
      return "dns";
    case "DNS_ROUND_ROBIN":
      return "dns-round-robin";
    default:
      return workloadSelector === undefined ? "none" : "endpoints";
  }
}

function entryVisibility(entry: ServiceEntry, settings: MeshSettings): Visibility {
  return resolveVisibility(entry.spec.exportTo, entry.metadata.namespace, settings.defaultExportTo.service);
}
