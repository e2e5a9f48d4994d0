// The hosts that a pod's DNS answers for itself, as the control plane says them (istio.networking.nds.v1.NameTable), and the
// answers to questions about them. What isn't there, or isn't an address, is for the pod's own resolvers.

import { isIPv6 } from "node:net";
import { readFields, textOf, textsOf } from "../wire-message.ts";
import { type DnsAnswer, type DnsQuestion, type DnsRecord, dnsTypes } from "./dns-answer.ts";

export interface HostAddresses {
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
}

/** By host in lower case; `*.example.com` stands for all names below it. */
export type NameTable = ReadonlyMap<string, HostAddresses>;

/** Throws on bytes that aren't a NameTable. */
export function decodeNameTable(bytes: Uint8Array): NameTable {
  const entries = (readFields(bytes).get(1) ?? []).map((entry): [string, HostAddresses] => {
    const fields = readFields(entry);
    const info = fields.get(2)?.at(-1) ?? new Uint8Array();
    const addresses = textsOf(readFields(info), 1);
    return [
      textOf(fields, 1).toLowerCase(),
      { ipv4: addresses.filter((address) => !isIPv6(address)), ipv6: addresses.filter(isIPv6) },
    ];
  });
  return new Map(entries);
}

/**
 * `searchDomains`: those of the pod's resolv.conf. A resolver with `ndots:5` tries `db.example.com.shop.svc.cluster.local`
 * before `db.example.com`; for a host of the table it hears at the first try that the one is an alias of the other.
 */
export function resolveCaptured(
  { name, type }: DnsQuestion,
  { table, searchDomains }: { readonly table: NameTable; readonly searchDomains: readonly string[] },
): DnsAnswer {
  const isAddress = type === dnsTypes.A || type === dnsTypes.AAAA;
  const found = findHost(table, name) ?? findSearched(table, name, searchDomains);
  if (found === undefined) return { kind: "forward", name, answers: [] };
  if (!isAddress) return { kind: "forward", name, answers: [], isKnown: true };
  const { target, addresses } = found;
  const records: DnsRecord[] = target === name ? [] : [{ type: "CNAME", name, data: target }];
  if (type === dnsTypes.A)
    records.push(...addresses.ipv4.map((data) => ({ type: "A", name: target, data }) as const));
  else records.push(...addresses.ipv6.map((data) => ({ type: "AAAA", name: target, data }) as const));
  return { kind: "answer", code: "NOERROR", answers: records, additionals: [] };
}

interface FoundHost {
  /** The name that has the addresses. */
  readonly target: string;
  readonly addresses: HostAddresses;
}

/** The exact name, else the narrowest wildcard. */
function findHost(table: NameTable, name: string): FoundHost | undefined {
  const exact = table.get(name);
  if (exact !== undefined) return { target: name, addresses: exact };
  for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) {
    const addresses = table.get(`*${name.slice(dot)}`);
    if (addresses !== undefined) return { target: name, addresses };
  }
  return undefined;
}

function findSearched(
  table: NameTable,
  name: string,
  searchDomains: readonly string[],
): FoundHost | undefined {
  for (const domain of searchDomains) {
    if (!name.endsWith(`.${domain}`)) continue;
    const found = findHost(table, name.slice(0, -domain.length - 1));
    if (found !== undefined) return found;
  }
  return undefined;
}
