// The ports of a workload that services lead to: those of services that select it, and of services that have its address
// among their endpoints, as a ServiceEntry or an EndpointSlice written by hand does.

import { matchesLabels } from "../core/label-selector.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import type { Index } from "../graph/table-index.ts";
import type { ServiceEndpoint } from "./endpoints.ts";
import { byAge, type MeshService, type MeshServicePort } from "./service.ts";
import type { Workload } from "./workloads.ts";

/** What a workload's ports follow from: the same for its replicas. */
export interface WorkloadPlace {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of its containers, by name. */
  readonly portNumbers: Readonly<Record<string, number>>;
  /** Mostly none. */
  readonly addressedPorts: readonly AddressedPort[];
}

/** Of a service without a selector that has an address of the workload's among its endpoints. */
export interface AddressedPort {
  /** The key of its row. */
  readonly service: string;
  /** The service's. */
  readonly port: number;
  /** The application's. */
  readonly number: number;
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
export function portsOfWorkload(workload: WorkloadPlace, context: PortContext): readonly WorkloadPort[] {
  const addressed = workload.addressedPorts.flatMap(({ service: key, port: ofService, number }) => {
    const service = context.read.get(context.model.services, key);
    const port = service?.ports.find((each) => each.number === ofService);
    return service === undefined || port === undefined ? [] : [{ service, port, number }];
  });
  return [...selectedPorts(workload, context), ...addressed].sort((a, b) => byAge(a.service, b.service));
}

function hasSelector({ selector }: MeshService): boolean {
  return selector !== undefined && Object.keys(selector).length > 0;
}

function* selectedPorts(
  { namespace, labels, portNumbers }: WorkloadPlace,
  { model, read }: PortContext,
): Iterable<WorkloadPort> {
  for (const [, service] of read.find(model.servicesByNamespace, namespace)) {
    if (!hasSelector(service) || !matchesLabels(service.selector ?? {}, labels)) continue;
    for (const port of service.ports) {
      const number = port.targetPort ?? portNumbers[port.targetPortName ?? ""];
      if (number !== undefined) yield { service, port, number };
    }
  }
}

interface WorkloadAddresses {
  readonly namespace: string;
  readonly addresses: readonly string[];
}

export function addressedPorts(
  { namespace, addresses }: WorkloadAddresses,
  { model, read }: PortContext,
): readonly AddressedPort[] {
  const keys = new Set(
    addresses.flatMap((address) => read.find(model.servicesByAddress, address).map(([key]) => key)),
  );
  return [...keys].flatMap((service) => {
    if (read.get(model.services, service)?.namespace !== namespace) return [];
    const endpoints = read.get(model.endpoints, service) ?? [];
    return endpoints
      .filter(
        ({ address, additionalAddress = "" }) =>
          addresses.includes(address) || addresses.includes(additionalAddress),
      )
      .map(({ servicePort, port: number }) => ({ service, port: servicePort, number }));
  });
}
