// What cluster DNS knows: services, their endpoints and single hosts, as an immutable table of names. Kubernetes' DNS
// specification 1.1 gives the names. Pure; never forwards, never reads a clock.

import { canonicalHostname } from "../../core/hostname.ts";
import { parseIpv4 } from "../network/ipv4-range.ts";

export interface DnsRecords {
  readonly services: readonly DnsService[];
  /** Names outside the scheme of services, such as `host.meltemi.internal`. */
  readonly hosts?: readonly DnsHost[];
  /** As `hosts`, for pods that capture DNS alone. */
  readonly captured?: readonly DnsHost[];
}

export interface DnsHost {
  readonly name: string;
  readonly addresses: readonly string[];
}

export type DnsService =
  | {
      readonly kind: "vip";
      readonly namespace: string;
      readonly name: string;
      readonly ip: string;
      readonly ports: readonly DnsServicePort[];
    }
  | {
      readonly kind: "headless";
      readonly namespace: string;
      readonly name: string;
      /** Those to be told of: ready ones, or all where the service publishes addresses that aren't ready. */
      readonly endpoints: readonly DnsEndpoint[];
      readonly ports: readonly DnsServicePort[];
    }
  | { readonly kind: "external"; readonly namespace: string; readonly name: string; readonly target: string };

export interface DnsServicePort {
  readonly name?: string;
  readonly port: number;
  readonly protocol: "TCP" | "UDP";
}

export interface DnsEndpoint {
  readonly ip: string;
  /** A StatefulSet pod's own name, or `hostname` of its spec. */
  readonly hostname?: string;
}

export interface DnsServiceTarget {
  readonly port: number;
  readonly target: string;
}

/** All that one name has; an entry with no records is a name that exists only as part of longer ones. */
export interface DnsName {
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
  readonly alias?: string;
  readonly services: readonly DnsServiceTarget[];
  readonly pointers: readonly string[];
}

export interface DnsTable {
  readonly clusterDomain: string;
  /** By name in lower case, without the dot at the end. */
  readonly names: ReadonlyMap<string, DnsName>;
}

export function buildDnsTable(records: DnsRecords, clusterDomain = "cluster.local"): DnsTable {
  const names = new Map<string, MutableName>();
  const domain = clusterDomain.toLowerCase();
  entryOf(names, domain);
  entryOf(names, `svc.${domain}`);
  for (const service of records.services) addService(names, service, domain);
  for (const { name, addresses } of records.hosts ?? []) {
    for (const address of addresses) addAddress(names, canonicalHostname(name), address);
  }
  return { clusterDomain: domain, names };
}

/** `4.0.244.10.in-addr.arpa` for 10.244.0.4. */
export function reverseName(ipv4: string): string {
  return `${ipv4.split(".").reverse().join(".")}.in-addr.arpa`;
}

interface MutableName {
  ipv4: string[];
  ipv6: string[];
  alias?: string;
  services: DnsServiceTarget[];
  pointers: string[];
}

function addService(names: Map<string, MutableName>, service: DnsService, domain: string): void {
  const namespaceName = `${service.namespace}.svc.${domain}`.toLowerCase();
  const name = `${service.name}.${namespaceName}`.toLowerCase();
  entryOf(names, namespaceName);
  switch (service.kind) {
    case "vip":
      addAddress(names, name, service.ip);
      addPointer(names, service.ip, name);
      addPorts(names, name, { ports: service.ports, targets: [name] });
      return;
    case "headless": {
      entryOf(names, name);
      const targets = service.endpoints.map(({ ip, hostname }) => {
        addAddress(names, name, ip);
        // A nameless endpoint is known by its address with dashes, as CoreDNS names it.
        const ownName = `${(hostname ?? ip.replaceAll(/[.:]/g, "-")).toLowerCase()}.${name}`;
        addAddress(names, ownName, ip);
        addPointer(names, ip, ownName);
        return ownName;
      });
      addPorts(names, name, { ports: service.ports, targets: [...new Set(targets)] });
      return;
    }
    case "external":
      entryOf(names, name).alias = canonicalHostname(service.target);
  }
}

function addPorts(
  names: Map<string, MutableName>,
  serviceName: string,
  { ports, targets }: { ports: readonly DnsServicePort[]; targets: readonly string[] },
): void {
  for (const { name, port, protocol } of ports) {
    const records = targets.map((target) => ({ port, target }));
    // The service's own name has those of all ports, as CoreDNS answers it.
    entryOf(names, serviceName).services.push(...records);
    if (name === undefined || name === "") continue;
    const protocolName = `_${protocol.toLowerCase()}.${serviceName}`;
    entryOf(names, protocolName);
    entryOf(names, `_${name.toLowerCase()}.${protocolName}`).services.push(...records);
  }
}

function addAddress(names: Map<string, MutableName>, name: string, address: string): void {
  const entry = entryOf(names, name);
  const addresses = parseIpv4(address) === undefined ? entry.ipv6 : entry.ipv4;
  if (!addresses.includes(address)) addresses.push(address);
}

function addPointer(names: Map<string, MutableName>, ip: string, target: string): void {
  if (parseIpv4(ip) === undefined) return;
  const { pointers } = entryOf(names, reverseName(ip));
  if (!pointers.includes(target)) pointers.push(target);
}

function entryOf(names: Map<string, MutableName>, name: string): MutableName {
  let entry = names.get(name);
  if (entry === undefined) {
    entry = { ipv4: [], ipv6: [], services: [], pointers: [] };
    names.set(name, entry);
  }
  return entry;
}
