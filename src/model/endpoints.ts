// The endpoints of each service, rows by the service's key. Services and pods change slowly, endpoints fast:
// they are a table of their own so that one pod's coming and going touches nothing else.

import { parseCidr } from "../core/cidr.ts";
import { type Labels, matchesLabels } from "../core/label-selector.ts";
import { type SpiffeId, spiffeId } from "../core/spiffe-id.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import type { Index } from "../graph/table-index.ts";
import { type ClaimedField, claims } from "../kinds/claims.ts";
import {
  type EndpointSlice,
  endpointSliceKind,
  type Endpoint as SliceEndpoint,
} from "../kinds/endpoint-slice.ts";
import type { WorkloadEntrySpec } from "../kinds/service-entry/service-entry-spec.ts";
import type { MeshSettings } from "./mesh-settings.ts";
import {
  modeOfPort,
  mutualTlsOf,
  type PeerAuthentications,
  type WorkloadMutualTls,
} from "./mutual-tls-modes.ts";
import type { MeshService, MeshServicePort } from "./service.ts";
import { rowKey, type Sources } from "./sources.ts";
import { TLS_MODE_LABEL, type Workload, type Workloads } from "./workloads.ts";

export interface ServiceEndpoint {
  /** The service's port, by number. */
  readonly servicePort: number;
  readonly address: string;
  /** The same pod's in the other IP family, where the service has both. */
  readonly additionalAddress?: string;
  /** Its own name in DNS below the service's, such as `redis-0`. */
  readonly hostname?: string;
  readonly port: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Undefined where nothing tells. */
  readonly identity: SpiffeId | undefined;
  readonly isMutualTls: boolean;
  readonly isHealthy: boolean;
  readonly isDraining: boolean;
  readonly weight: number;
  /** `region/zone/subzone`; empty where unknown. */
  readonly locality: string;
  /** Of Kubernetes; empty where unknown. */
  readonly nodeName: string;
  readonly workload: string;
  readonly namespace: string;
  /** As metrics call the workload, see `formatEndpointDescription`; empty where nobody knows it. */
  readonly description: string;
}

export interface EndpointInputs {
  readonly services: Table<MeshService>;
  readonly workloads: Workloads;
  readonly settings: Table<MeshSettings>;
  readonly peerAuthentications: PeerAuthentications;
}

export const endpointFields: readonly ClaimedField[] = [
  ...claims(endpointSliceKind, ["addressType"]),
  ...claims(endpointSliceKind, "endpoints[]", [
    "addresses",
    "conditions.ready",
    "conditions.serving",
    "conditions.terminating",
    "hostname",
    "nodeName",
    "targetRef.kind",
    "targetRef.name",
    "targetRef.namespace",
    "zone",
  ]),
  ...claims(endpointSliceKind, "ports[]", ["name", "port"]),
];

const SERVICE_NAME_LABEL = "kubernetes.io/service-name";

/**
 * Ready endpoints, and others where the service publishes them; sorted by address and port. Terminating ones are left
 * out: kept as draining, they would count as unhealthy, and a few of them make Envoy send to all in panic.
 */
export function declareEndpoints(
  graph: Graph,
  sources: Sources,
  inputs: EndpointInputs,
): Table<readonly ServiceEndpoint[]> {
  const slices = graph.index(sources.EndpointSlice, "endpoint slices by service", (slice) => {
    const service = slice.metadata.labels?.[SERVICE_NAME_LABEL];
    return service === undefined ? [] : [rowKey(slice.metadata.namespace, service)];
  });
  return graph.derive<MeshService, readonly ServiceEndpoint[]>({
    name: "endpoints",
    from: inputs.services,
    rows: (key, service, read) => {
      const context = { ...inputs, read, answers: { identities: new Map(), mutualTls: new Map() } };
      const found =
        service.registry === "Kubernetes"
          ? sliceEndpoints(service, { ...context, slices })
          : entryEndpoints(service, context);
      return [[key, found.sort(byAddress)]];
    },
  });
}

/** The identities that a client may meet at a service: what its certificate check accepts. */
/** Of the endpoints, and by a ServiceEntry's word: names that the certificates of its servers may have. */
export function declareServiceIdentities(
  graph: Graph,
  endpoints: Table<readonly ServiceEndpoint[]>,
  services: Table<MeshService>,
): Table<readonly string[]> {
  return graph.derive<readonly ServiceEndpoint[], readonly string[]>({
    name: "service identities",
    from: endpoints,
    rows: (key, rows, read) => {
      const identities = rows.flatMap(({ identity }) => (identity === undefined ? [] : [identity]));
      const named = read.get(services, key)?.subjectAltNames ?? [];
      return [[key, [...new Set([...identities, ...named])].sort()]];
    },
  });
}

interface Context extends EndpointInputs {
  readonly read: Read;
  readonly answers: Answers;
}

/** What was found for a service's endpoints so far: those of one Deployment have labels and a ServiceAccount in common. */
interface Answers {
  readonly identities: Map<string, SpiffeId>;
  readonly mutualTls: Map<Labels, { readonly namespace: string; readonly found: WorkloadMutualTls }>;
}

function sliceEndpoints(
  service: MeshService,
  context: Context & { readonly slices: Index<EndpointSlice> },
): ServiceEndpoint[] {
  const found = context.read
    .find(context.slices, rowKey(service.namespace, service.name))
    .map(([, slice]) => slice)
    // Names aren't looked up here, as in Istio.
    .filter(({ addressType }) => addressType !== "FQDN");
  const { own, other } = partByFamily(service, found);
  const otherAddresses = addressesByPod(other);
  return own.flatMap((slice) =>
    service.ports.flatMap((port) => {
      const slicePort = slice.ports?.find(({ name = "" }) => name === port.name);
      if (slicePort?.port === undefined) return [];
      const { port: number } = slicePort;
      return slice.endpoints.flatMap((endpoint) =>
        sliceEndpoint(
          { service, port, number, endpoint, additionalAddress: otherAddresses.get(podKey(endpoint) ?? "") },
          context,
        ),
      );
    }),
  );
}

interface SlicesByFamily {
  readonly own: readonly EndpointSlice[];
  readonly other: readonly EndpointSlice[];
}

/** A dual-stack Service lists each pod once by each family; its own first family stands for both. */
function partByFamily(
  { resolution, addresses: [first] }: MeshService,
  slices: readonly EndpointSlice[],
): SlicesByFamily {
  // Clients of a headless one name the endpoint that they want by whichever address they like.
  if (resolution === "headless" || first === undefined) return { own: slices, other: [] };
  const family = parseCidr(first)?.family === 6 ? "IPv6" : "IPv4";
  const own = slices.filter(({ addressType }) => addressType === family);
  if (!own.some(({ endpoints }) => endpoints.length > 0)) return { own: slices, other: [] };
  return { own, other: slices.filter((slice) => !own.includes(slice)) };
}

function addressesByPod(slices: readonly EndpointSlice[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const endpoint of slices.flatMap(({ endpoints }) => endpoints)) {
    const key = podKey(endpoint);
    const [address] = endpoint.addresses;
    if (key !== undefined && address !== undefined) found.set(key, address);
  }
  return found;
}

function podKey({ targetRef }: SliceEndpoint): string | undefined {
  if (targetRef?.kind !== "Pod" || targetRef.name === undefined) return undefined;
  return rowKey(targetRef.namespace, targetRef.name);
}

interface SliceEntry {
  readonly service: MeshService;
  readonly port: MeshServicePort;
  /** The endpoint's own port. */
  readonly number: number;
  readonly endpoint: SliceEndpoint;
  readonly additionalAddress: string | undefined;
}

function sliceEndpoint(entry: SliceEntry, context: Context): ServiceEndpoint[] {
  const { service, port, number, endpoint, additionalAddress } = entry;
  const { ready = true, serving = ready, terminating = false } = endpoint.conditions ?? {};
  if (!ready && !service.publishesNotReady) return [];
  const [address] = endpoint.addresses;
  if (address === undefined) return [];
  const workload = workloadOf(endpoint, address, context);
  return [
    {
      servicePort: port.number,
      address,
      ...(additionalAddress === undefined ? {} : { additionalAddress }),
      ...(endpoint.hostname === undefined ? {} : { hostname: endpoint.hostname }),
      port: number,
      labels: workload?.labels ?? {},
      identity: workload === undefined ? undefined : identityOf(workload, context),
      isMutualTls: workload !== undefined && takesMutualTls(workload, number, context),
      isHealthy: serving || service.publishesNotReady,
      isDraining: terminating,
      weight: 1,
      locality: localityOf(workload, endpoint),
      nodeName: endpoint.nodeName ?? workload?.nodeName ?? "",
      workload: workload?.workloadName ?? "",
      namespace: workload?.namespace ?? service.namespace,
      description: workload?.description ?? "",
    },
  ];
}

/** A slice knows the zone alone. */
function localityOf(workload: Workload | undefined, { zone }: SliceEndpoint): string {
  const ofWorkload = workload?.locality ?? "";
  return ofWorkload === "" && zone !== undefined ? `/${zone}` : ofWorkload;
}

function workloadOf(
  endpoint: SliceEndpoint,
  address: string,
  { read, workloads }: Context,
): Workload | undefined {
  const pod = podKey(endpoint);
  if (pod !== undefined) return read.get(workloads.table, pod);
  return read.find(workloads.byAddress, address)[0]?.[1];
}

function identityOf({ namespace, serviceAccount }: Workload, { read, settings, answers }: Context): SpiffeId {
  const account = rowKey(namespace, serviceAccount);
  const known = answers.identities.get(account);
  if (known !== undefined) return known;
  const identity = spiffeId({ trustDomain: read.one(settings).trustDomain, namespace, serviceAccount });
  answers.identities.set(account, identity);
  return identity;
}

/** Its sidecar speaks mTLS, and no policy has turned it off for the port. */
function takesMutualTls(workload: Workload, port: number, context: Context): boolean {
  if (!workload.hasMutualTls) return false;
  return modeOfPort(mutualTlsFor(workload, context), port) !== "DISABLE";
}

function mutualTlsFor(
  workload: Workload,
  { read, peerAuthentications, answers }: Context,
): WorkloadMutualTls {
  const { labels, namespace } = workload;
  const known = answers.mutualTls.get(labels);
  if (known?.namespace === namespace) return known.found;
  const found = mutualTlsOf(read, peerAuthentications, workload);
  answers.mutualTls.set(labels, { namespace, found });
  return found;
}

function entryEndpoints(service: MeshService, context: Context): ServiceEndpoint[] {
  const isByName = service.resolution.startsWith("dns");
  const written = service.parts.flatMap(({ ports, endpoints }) => {
    const inline = endpoints.length === 0 && isByName ? [{ address: service.hostname }] : endpoints;
    return inline.flatMap((entry) => ports.map((port) => inlineEndpoint(service, port, entry, context)));
  });
  return [...written, ...selectedEndpoints(service, context)];
}

function inlineEndpoint(
  service: MeshService,
  port: MeshServicePort,
  entry: WorkloadEntrySpec,
  { read, settings }: Context,
): ServiceEndpoint {
  const { namespace } = service;
  const { trustDomain } = read.one(settings);
  const { serviceAccount } = entry;
  return {
    servicePort: port.number,
    address: entry.address ?? service.hostname,
    port: entry.ports?.[port.name] ?? port.targetPort ?? port.number,
    labels: entry.labels ?? {},
    identity: serviceAccount === undefined ? undefined : spiffeId({ trustDomain, namespace, serviceAccount }),
    isMutualTls: entry.labels?.[TLS_MODE_LABEL] === "istio",
    isHealthy: true,
    isDraining: false,
    weight: entry.weight ?? 1,
    locality: entry.locality ?? "",
    nodeName: "",
    workload: "",
    namespace,
    description: "",
  };
}

/** A ServiceEntry's workloadSelector takes pods of its namespace as a Service's selector does. */
function selectedEndpoints(service: MeshService, context: Context): ServiceEndpoint[] {
  const { selector } = service;
  if (selector === undefined) return [];
  return context.read.find(context.workloads.byNamespace, service.namespace).flatMap(([, workload]) => {
    if (workload.address === "" || !matchesLabels(selector, workload.labels)) return [];
    return service.ports.map((port) => ({
      servicePort: port.number,
      address: workload.address,
      port: port.targetPort ?? port.number,
      labels: workload.labels,
      identity: identityOf(workload, context),
      isMutualTls: takesMutualTls(workload, port.targetPort ?? port.number, context),
      isHealthy: true,
      isDraining: false,
      weight: 1,
      locality: workload.locality,
      nodeName: workload.nodeName,
      workload: workload.workloadName,
      namespace: workload.namespace,
      description: workload.description,
    }));
  });
}

function byAddress(a: ServiceEndpoint, b: ServiceEndpoint): number {
  if (a.address !== b.address) return a.address < b.address ? -1 : 1;
  return a.servicePort - b.servicePort || a.port - b.port;
}
