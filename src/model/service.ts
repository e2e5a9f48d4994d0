// A service as the mesh sees it, whether a Kubernetes Service or a host of a ServiceEntry made it.

import type { ObjectKey } from "../core/object-key.ts";
import { isTcp, isTls, type Protocol } from "../core/protocol.ts";
import type { WorkloadEntrySpec } from "../kinds/service-entry/service-entry-spec.ts";
import type { Visibility } from "./visibility.ts";

export interface MeshServicePort {
  readonly name: string;
  readonly number: number;
  readonly protocol: Protocol;
  /** The application's port where it is a number; undefined where pods name it. */
  readonly targetPort: number | undefined;
  /** The name of the container's port, where the target is named. */
  readonly targetPortName?: string;
}

/** How a client finds the endpoints. `headless`: it knows their addresses from DNS, and names the one it wants. */
export type Resolution = "endpoints" | "headless" | "dns" | "dns-round-robin" | "none";

/** Endpoints as near as possible: by zone, or also those of the client's own node before all. */
export type TrafficPreference = "none" | "same-zone" | "same-node";

/** Endpoints serve the ports of their own ServiceEntry. */
export interface ServicePart {
  readonly object: ObjectKey;
  readonly ports: readonly MeshServicePort[];
  readonly endpoints: readonly WorkloadEntrySpec[];
}

export interface MeshService {
  readonly hostname: string;
  readonly namespace: string;
  /** The object's own name. */
  readonly name: string;
  readonly registry: "Kubernetes" | "External";
  /** TCP ports only: UDP isn't proxied. */
  readonly ports: readonly MeshServicePort[];
  /** Virtual addresses, and CIDRs of ServiceEntries; empty for none. */
  readonly addresses: readonly string[];
  /** Hostnames of Kubernetes' Services of type ExternalName that stand for this one; sorted. */
  readonly aliases: readonly string[];
  /** Of a ServiceEntry's host that has none of its own: what DNS in a pod that captures it says. */
  readonly automaticAddress?: string;
  readonly resolution: Resolution;
  /** Outside the mesh: no mTLS of its own. */
  readonly isExternal: boolean;
  readonly visibility: Visibility;
  /** Pods that belong to it; undefined where it has no selector. */
  readonly selector: Readonly<Record<string, string>> | undefined;
  /** What each ServiceEntry for the host writes; empty for Kubernetes. */
  readonly parts: readonly ServicePart[];
  readonly subjectAltNames: readonly string[];
  readonly publishesNotReady: boolean;
  /** Clients get endpoints of their own node only: `internalTrafficPolicy: Local`. */
  readonly isNodeLocal: boolean;
  /** Which endpoints come before others, whether or not a rule says so. */
  readonly preference: TrafficPreference;
  /** A gateway that it leads to listens on its Gateways' own numbers, whatever the targets are. */
  readonly keepsGatewayPorts?: boolean;
  readonly createdAt: string;
  /** Of several ServiceEntries for the host the oldest, which says what the service is. */
  readonly object: ObjectKey;
}

/** What made one of its ports: several ServiceEntries may, of which the oldest says what the port is. */
export function objectsOfPort(
  { object, parts }: Pick<MeshService, "object" | "parts">,
  port: number,
): readonly [ObjectKey, ...ObjectKey[]] {
  const [first, ...others] = parts
    .filter(({ ports }) => ports.some(({ number }) => number === port))
    .map((part) => part.object);
  return [first ?? object, ...others];
}

/** Whether the object made it, alone or with others. */
export function isMadeBy({ object, parts }: Pick<MeshService, "object" | "parts">, key: ObjectKey): boolean {
  return object === key || parts.some((part) => part.object === key);
}

/** Its addresses, or its pods', name it: no other service's traffic comes there. */
export function hasOwnListener({
  addresses,
  resolution,
}: Pick<MeshService, "addresses" | "resolution">): boolean {
  return resolution === "headless" || addresses.some((address) => !address.includes("/"));
}

/** Bytes of it name no host, neither in a header nor in a TLS server name. */
export function isPlain(protocol: Protocol): boolean {
  return isTcp(protocol) && !isTls(protocol);
}

/** CIDRs of a ServiceEntry: its traffic comes to the port's listener on every address. */
export function addressRanges({ addresses }: Pick<MeshService, "addresses">): readonly string[] {
  return addresses.filter((address) => address.includes("/"));
}

export type ServiceName = Pick<MeshService, "namespace" | "hostname">;

/** The key of a service's row. */
export function serviceKey({ namespace, hostname }: ServiceName): string {
  return `${namespace}/${hostname}`;
}

/** Oldest first, then by namespace and name: the order in which Istio settles conflicts. */
export function byAge(
  a: { readonly createdAt: string; readonly namespace: string; readonly name: string },
  b: { readonly createdAt: string; readonly namespace: string; readonly name: string },
): number {
  return compare(a.createdAt, b.createdAt) || compare(a.namespace, b.namespace) || compare(a.name, b.name);
}

/** Who keeps what several claim: Kubernetes' before ServiceEntries', then the oldest; hosts of one object are of one age. */
export function byPrecedence(a: MeshService, b: MeshService): number {
  const rank = ({ registry }: MeshService) => (registry === "Kubernetes" ? 0 : 1);
  return rank(a) - rank(b) || byAge(a, b) || compare(a.hostname, b.hostname);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
