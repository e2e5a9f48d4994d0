// Which service has an address. Several may claim one, and only one of them can have its traffic: a Kubernetes Service
// keeps what the cluster gave it whatever a ServiceEntry says; among others the oldest wins, as in Istio.

import { addressKey } from "../core/cidr.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import type { Index } from "../graph/table-index.ts";
import type { ServiceEndpoint } from "./endpoints.ts";
import { automaticAddresses } from "./proxy-addresses.ts";
import { byPrecedence, type MeshService } from "./service.ts";

export interface AddressClaim {
  readonly service: MeshService;
  /** As `addressKey` spells them. */
  readonly addresses: readonly string[];
}

/** By `addressKey`. */
export type AddressClaims = Index<AddressClaim>;

export function declareAddressClaims(
  graph: Graph,
  services: Table<MeshService>,
  endpoints: Table<readonly ServiceEndpoint[]>,
): AddressClaims {
  const claims = graph.derive<MeshService, AddressClaim>({
    name: "address claims",
    from: services,
    *rows(key, service, read) {
      const isHeadless = service.resolution === "headless";
      const claimed = isHeadless
        ? (read.get(endpoints, key) ?? []).map(({ address }) => address)
        : claimedAddresses(service);
      const addresses = [...new Set(claimed.flatMap((address) => addressKey(address) ?? []))];
      if (addresses.length > 0) yield [key, { service, addresses }];
    },
  });
  return graph.index(claims, "address claims by address", ({ addresses }) => addresses);
}

/** The automatic address too: a ServiceEntry may write one that another host got. */
function claimedAddresses({ addresses, automaticAddress }: MeshService): readonly string[] {
  return automaticAddress === undefined ? addresses : [...addresses, ...automaticAddresses(automaticAddress)];
}

export interface AddressLookup {
  readonly read: Read;
  readonly claims: AddressClaims;
  readonly address: string;
  readonly port: number;
  /** Whether another service that claims the address on this port competes: a client sees only some services. */
  readonly competes: (other: MeshService) => boolean;
}

/** The service that has one of `service`'s addresses on one of its ports: itself, unless another comes first. */
export function addressOwner(service: MeshService, lookup: AddressLookup): MeshService {
  const { port, competes } = lookup;
  const ahead = claimants(lookup).filter(
    (other) =>
      byPrecedence(other, service) < 0 &&
      (keepsFrom(other, service) || (hasPort(other, port) && competes(other))),
  );
  return ahead.sort(byPrecedence)[0] ?? service;
}

/** All that claim the address, whichever ports they have. */
export function claimants({
  read,
  claims,
  address,
}: Pick<AddressLookup, "read" | "claims" | "address">): readonly MeshService[] {
  const key = addressKey(address);
  return key === undefined ? [] : read.find(claims, key).map(([, { service }]) => service);
}

/** A cluster IP is its Service's on every port, and for clients that don't see the Service too. */
function keepsFrom(other: MeshService, { registry }: MeshService): boolean {
  return other.registry === "Kubernetes" && other.resolution !== "headless" && registry !== "Kubernetes";
}

function hasPort({ ports }: MeshService, port: number): boolean {
  return ports.some(({ number }) => number === port);
}
