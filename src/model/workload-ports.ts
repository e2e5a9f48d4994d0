// The ports of a workload that services lead to: those of services that select it, and of services that have its address
// among their endpoints, as a ServiceEntry or an EndpointSlice written by hand does.

import { matchesLabels } from "../core/label-selector.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import type { Index } from "../graph/table-index.ts";
import type { ServiceEndpoint } from "./endpoints.ts";
import { byAge, type MeshService, type MeshServicePort } from "./service.ts";
import { rowKey } from "./sources.ts";
import type { Workload } from "./workloads.ts";

export interface WorkloadAddresses {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly addresses: readonly string[];
}

export interface WorkloadPort {
  readonly service: MeshService;
  readonly port: MeshServicePort;
  /** The application's. */
  readonly number: number;
}

export interface PortContext {
  readonly model: PortTables;
  readonly read: Read;
}

/** The part of the model that leads from a workload to its services. */
export interface PortTables {
  readonly workloads: { readonly table: Table<Workload> };
  readonly services: Table<MeshService>;
  readonly servicesByNamespace: Index<MeshService>;
  readonly servicesByAddress: Index<readonly string[]>;
  readonly endpoints: Table<readonly ServiceEndpoint[]>;
}

/** By address of an endpoint; rows have the service's key. Of services without a selector alone. */
export function declareServicesByAddress(
  graph: Graph,
  services: Table<MeshService>,
  endpoints: Table<readonly ServiceEndpoint[]>,
): Index<readonly string[]> {
  const addresses = graph.derive<MeshService, readonly string[]>({
    name: "endpoint addresses of services without a selector",
    from: services,
    rows(key, service, read) {
      if (hasSelector(service) || service.resolution.startsWith("dns")) return [];
      const found = (read.get(endpoints, key) ?? []).flatMap(({ address, additionalAddress }) =>
        additionalAddress === undefined ? [address] : [address, additionalAddress],
      );
      return [[key, [...new Set(found)]]];
    },
  });
  return graph.index(addresses, "services by endpoint address", (found) => found);
}

/** Oldest service first. Of its own namespace alone: nobody gives another's workload ports. */
export function portsOfWorkload(workload: WorkloadAddresses, context: PortContext): readonly WorkloadPort[] {
  return [...selectedPorts(workload, context), ...addressedPorts(workload, context)].sort((a, b) =>
    byAge(a.service, b.service),
  );
}

function hasSelector({ selector }: MeshService): boolean {
  return selector !== undefined && Object.keys(selector).length > 0;
}

function* selectedPorts(
  { namespace, name, labels }: WorkloadAddresses,
  { model, read }: PortContext,
): Iterable<WorkloadPort> {
  const named = read.get(model.workloads.table, rowKey(namespace, name))?.portNumbers ?? {};
  for (const [, service] of read.find(model.servicesByNamespace, namespace)) {
    if (!hasSelector(service) || !matchesLabels(service.selector ?? {}, labels)) continue;
    for (const port of service.ports) {
      const number = port.targetPort ?? named[port.targetPortName ?? ""];
      if (number !== undefined) yield { service, port, number };
    }
  }
}

function* addressedPorts(
  { namespace, addresses }: WorkloadAddresses,
  { model, read }: PortContext,
): Iterable<WorkloadPort> {
  const keys = new Set(
    addresses.flatMap((address) => read.find(model.servicesByAddress, address).map(([key]) => key)),
  );
  for (const key of keys) {
    const service = read.get(model.services, key);
    if (service === undefined || service.namespace !== namespace) continue;
    for (const { servicePort, address, additionalAddress = "", port: number } of read.get(
      model.endpoints,
      key,
    ) ?? []) {
      const port = service.ports.find((each) => each.number === servicePort);
      const isOwn = addresses.includes(address) || addresses.includes(additionalAddress);
      if (port !== undefined && isOwn) yield { service, port, number };
    }
  }
}
