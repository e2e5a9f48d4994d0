// One packet rule, free of any tool's spelling: renderers turn it into iptables or nft text.

export type AddressFamily = "ipv4" | "ipv6";

export type RuleTable = "mangle" | "nat" | "raw";

/** An address or range; `byFamily` where the two families differ in nothing else. */
export type RuleAddress = string | { readonly ipv4: string; readonly ipv6: string };

/** Matches are kept in the order in which they are tested and written. */
export type Match =
  | { readonly kind: "inInterface"; readonly name: string }
  | { readonly kind: "outInterface"; readonly name: string }
  | { readonly kind: "source"; readonly address: RuleAddress }
  | { readonly kind: "destination"; readonly address: RuleAddress; readonly not?: true }
  | { readonly kind: "protocol"; readonly protocol: "tcp" | "udp" }
  | { readonly kind: "sourcePort"; readonly port: number }
  | { readonly kind: "destinationPort"; readonly ports: readonly number[]; readonly not?: true }
  | { readonly kind: "ownerUser"; readonly id: string; readonly not?: true }
  | { readonly kind: "ownerGroup"; readonly id: string; readonly not?: true }
  | { readonly kind: "mark"; readonly mark: number; readonly not?: true }
  | { readonly kind: "connectionMark"; readonly mark: number }
  | { readonly kind: "connectionState"; readonly states: readonly string[] };

export type Target =
  | { readonly kind: "return" }
  | { readonly kind: "accept" }
  | { readonly kind: "drop" }
  | { readonly kind: "jump"; readonly chain: string }
  | { readonly kind: "redirect"; readonly port: number }
  | { readonly kind: "tproxy"; readonly port: number; readonly mark: number }
  | { readonly kind: "setMark"; readonly mark: number }
  | { readonly kind: "saveMark" }
  | { readonly kind: "restoreMark" }
  | { readonly kind: "connectionZone"; readonly zone: number };

export interface Rule {
  readonly table: RuleTable;
  /** One of the kernel's (`PREROUTING`, `OUTPUT`) or one of ours (`ISTIO_…`), which the renderer creates. */
  readonly chain: string;
  readonly matches: readonly Match[];
  readonly target: Target;
  /** Inserted at this place (from 1) instead of appended. */
  readonly position?: number;
  /** Only in this family; absent: in both. */
  readonly family?: AddressFamily;
}

/** Where a rule stands; given once for a group of rules. */
export interface ChainOf {
  readonly table: RuleTable;
  readonly chain: string;
}

export function append(at: ChainOf, matches: readonly Match[], target: Target): Rule {
  return { ...at, matches, target };
}

export function insertAt(position: number, at: ChainOf, matches: readonly Match[], target: Target): Rule {
  return { ...append(at, matches, target), position };
}

export function onlyIn(family: AddressFamily, rule: Rule): Rule {
  return { ...rule, family };
}

export const tcp: Match = { kind: "protocol", protocol: "tcp" };
export const udp: Match = { kind: "protocol", protocol: "udp" };

export function toPort(port: number): Match {
  return { kind: "destinationPort", ports: [port] };
}

export function jumpTo(chain: string): Target {
  return { kind: "jump", chain };
}

/** The two ways in which a process can be the proxy, with the match that tells it. */
export function isOwner(kind: "ownerUser" | "ownerGroup", id: string): Match {
  return { kind, id };
}

export function isNotOwner(kind: "ownerUser" | "ownerGroup", id: string): Match {
  return { kind, id, not: true };
}
