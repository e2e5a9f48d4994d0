// Which pod and which service has which address, kept in a file, so that names keep their addresses over restarts.
// Writes the file whole and by rename: a crash leaves the old one or the new one.

import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { addressAt, formatIpv4, type Ipv4Range, parseIpv4, rangeContains } from "./ipv4-range.ts";

export interface LeaseRanges {
  readonly pods: Ipv4Range;
  readonly services: Ipv4Range;
}

export type ServiceLease =
  | { readonly kind: "leased"; readonly ip: string }
  /** `sentence` says which service has the address that `spec.clusterIP` asks for, or what is wrong with it. */
  | { readonly kind: "refused"; readonly sentence: string };

// Names that come with each rollout would fill the range with leases of pods long gone.
const MAX_IDLE_LEASES = 1_000;

export class AddressLeases {
  readonly #file: string;
  readonly #ranges: LeaseRanges;
  readonly #ipsByPod: Map<string, string>;
  readonly #ipsByService: Map<string, string>;
  readonly #podsInUse = new Set<string>();
  readonly #servicesInUse = new Set<string>();
  readonly #onUnsaved: (cause: unknown) => void;
  #isUnsaved = false;

  /**
   * A file that is absent or unreadable means no leases; those outside the ranges are forgotten. What can't be saved,
   * which `onUnsaved` is told, holds for as long as the mesh runs, and is saved with the next lease.
   */
  constructor(file: string, ranges: LeaseRanges, onUnsaved: (cause: unknown) => void = () => undefined) {
    this.#file = file;
    this.#onUnsaved = onUnsaved;
    this.#ranges = ranges;
    const saved = readLeases(file);
    this.#ipsByPod = validLeases(saved.pods, ranges.pods);
    this.#ipsByService = validLeases(saved.services, undefined);
  }

  /** The first address of the pods' range: the bridge's. */
  get bridgeAddress(): string {
    return addressAt(this.#ranges.pods, 1);
  }

  /** The address of `podKey` (namespace/name): the one that it had, else one that was not used for long. Throws when all are in use. */
  leasePod(podKey: string): string {
    const ip =
      this.#ipsByPod.get(podKey) ??
      freeAddress(this.#ranges.pods, { leased: this.#ipsByPod, reservedCount: 2 }) ??
      this.#reclaim(podKey);
    this.#podsInUse.add(podKey);
    this.#remember(this.#ipsByPod, podKey, ip);
    return ip;
  }

  /** The pod is gone; its address stays its own as long as there are others. */
  releasePod(podKey: string): void {
    if (this.#podsInUse.delete(podKey)) putLast(this.#ipsByPod, podKey);
  }

  /** The VIP of `serviceKey` (namespace/name); `requestedIp` is `spec.clusterIP`, inside the range or not. */
  leaseService(serviceKey: string, requestedIp?: string): ServiceLease {
    const known = this.#ipsByService.get(serviceKey);
    // Controllers ask for all services in every pass.
    const isHeld = known !== undefined && this.#servicesInUse.has(serviceKey) && !this.#isUnsaved;
    if (isHeld && (requestedIp ?? known) === known) return { kind: "leased", ip: known };
    if (requestedIp !== undefined) {
      const sentence = this.#objectionTo(serviceKey, requestedIp);
      if (sentence !== undefined) return { kind: "refused", sentence };
    }
    const ip =
      requestedIp ??
      known ??
      freeAddress(this.#ranges.services, { leased: this.#ipsByService, reservedCount: 1 });
    if (ip === undefined) {
      return { kind: "refused", sentence: `No address is left in ${this.#ranges.services.cidr}` };
    }
    this.#evictIdleService(ip, serviceKey);
    this.#servicesInUse.add(serviceKey);
    this.#remember(this.#ipsByService, serviceKey, ip);
    return { kind: "leased", ip };
  }

  releaseService(serviceKey: string): void {
    if (this.#servicesInUse.delete(serviceKey)) putLast(this.#ipsByService, serviceKey);
  }

  #objectionTo(serviceKey: string, requestedIp: string): string | undefined {
    const address = parseIpv4(requestedIp);
    if (address === undefined) return `Cannot use clusterIP "${requestedIp}": it isn't an IPv4 address`;
    if (rangeContains(this.#ranges.pods, address)) {
      return `Cannot use clusterIP "${requestedIp}": ${this.#ranges.pods.cidr} is the pods' range`;
    }
    const holder = ownerOf(this.#ipsByService, requestedIp);
    if (holder === undefined || holder === serviceKey || !this.#servicesInUse.has(holder)) return undefined;
    return `Cannot use clusterIP "${requestedIp}": Service ${holder} has it`;
  }

  #evictIdleService(ip: string, serviceKey: string): void {
    const holder = ownerOf(this.#ipsByService, ip);
    if (holder !== undefined && holder !== serviceKey) this.#ipsByService.delete(holder);
  }

  #reclaim(podKey: string): string {
    for (const [key, ip] of this.#ipsByPod) {
      if (this.#podsInUse.has(key)) continue;
      this.#ipsByPod.delete(key);
      return ip;
    }
    throw new Error(`No address is left in ${this.#ranges.pods.cidr} for pod ${podKey}`);
  }

  // Maps keep the order of insertion, so the leases that were longest unused come first.
  #remember(leases: Map<string, string>, key: string, ip: string): void {
    const isNews = leases.get(key) !== ip;
    leases.delete(key);
    leases.set(key, ip);
    const inUse = leases === this.#ipsByPod ? this.#podsInUse : this.#servicesInUse;
    let excess = leases.size - inUse.size - MAX_IDLE_LEASES;
    for (const idle of leases.keys()) {
      if (excess <= 0) break;
      if (inUse.has(idle)) continue;
      leases.delete(idle);
      excess -= 1;
    }
    if (isNews || this.#isUnsaved) this.#save();
  }

  #save(): void {
    const content = {
      pods: Object.fromEntries(this.#ipsByPod),
      services: Object.fromEntries(this.#ipsByService),
    };
    const temporary = `${this.#file}.new`;
    try {
      writeFileSync(temporary, `${JSON.stringify(content, undefined, 1)}\n`, { mode: 0o600 });
      renameSync(temporary, this.#file);
      this.#isUnsaved = false;
    } catch (cause) {
      this.#isUnsaved = true;
      this.#onUnsaved(cause);
    }
  }
}

/** The first address that nobody was leased, from `reservedCount` on; the last of the range is never given. */
function freeAddress(
  range: Ipv4Range,
  { leased, reservedCount }: { leased: ReadonlyMap<string, string>; reservedCount: number },
): string | undefined {
  const taken = new Set(leased.values());
  for (let offset = reservedCount; offset < range.size - 1; offset += 1) {
    const ip = formatIpv4(range.first + offset);
    if (!taken.has(ip)) return ip;
  }
  return undefined;
}

function putLast(leases: Map<string, string>, key: string): void {
  const ip = leases.get(key);
  if (ip === undefined) return;
  leases.delete(key);
  leases.set(key, ip);
}

function ownerOf(leases: ReadonlyMap<string, string>, ip: string): string | undefined {
  for (const [key, leasedIp] of leases) {
    if (leasedIp === ip) return key;
  }
  return undefined;
}

function readLeases(file: string): { pods: unknown; services: unknown } {
  try {
    const content: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (typeof content !== "object" || content === null) return { pods: {}, services: {} };
    return { pods: Reflect.get(content, "pods"), services: Reflect.get(content, "services") };
  } catch {
    return { pods: {}, services: {} };
  }
}

function validLeases(saved: unknown, range: Ipv4Range | undefined): Map<string, string> {
  const leases = new Map<string, string>();
  const taken = new Set<string>();
  for (const [key, ip] of Object.entries(typeof saved === "object" && saved !== null ? saved : {})) {
    const address = typeof ip === "string" ? parseIpv4(ip) : undefined;
    if (address === undefined || taken.has(ip)) continue;
    if (range !== undefined && !rangeContains(range, address)) continue;
    taken.add(ip);
    leases.set(key, ip);
  }
  return leases;
}
