// Rules as one native nft script, a single transaction for both families: a pod is captured entirely or not at all,
// and a second run replaces the first. Shares no table with iptables, nor with anyone else's nft rules.

import { assertNever } from "../core/assert-never.ts";
import { chainNames } from "./chains.ts";
import { addressFamily } from "./ip-range.ts";
import type { AddressFamily, Match, Rule, RuleAddress, RuleTable, Target } from "./rule.ts";

/** In the order in which they are written. */
const tables: readonly RuleTable[] = ["nat", "mangle", "raw"];

/** Empty when there are no rules. `ipv6` false leaves out what is for IPv6 alone. */
export function renderNftables(rules: readonly Rule[], { ipv6 }: { readonly ipv6: boolean }): string {
  const families: readonly AddressFamily[] = ipv6 ? ["ipv4", "ipv6"] : ["ipv4"];
  const lines = tables.flatMap((table) => renderTable(table, rules, families));
  return lines.map((line) => `${line}\n`).join("");
}

/** Takes the tables out again, whether they are there or not. */
export function renderNftablesRemoval(): string {
  return tables.map((table) => `add table ${tableName(table)}\ndelete table ${tableName(table)}\n`).join("");
}

function tableName(table: RuleTable): string {
  return `inet istio-proxy-${table}`;
}

function renderTable(
  table: RuleTable,
  rules: readonly Rule[],
  families: readonly AddressFamily[],
): readonly string[] {
  const inTable = rules.filter((rule) => rule.table === table).flatMap((rule) => perFamily(rule, families));
  if (inTable.length === 0) return [];
  const used = new Set(inTable.map(({ rule }) => rule.chain));
  const chains = chainOrder.filter((chain) => used.has(chain));
  return [
    `add table ${tableName(table)}`,
    `flush table ${tableName(table)}`,
    ...chains.map((chain) => `add chain ${tableName(table)} ${chainName(chain)}${hookOf(table, chain)}`),
    ...placeRules(inTable),
  ];
}

const chainOrder: readonly string[] = ["PREROUTING", "OUTPUT", ...Object.values(chainNames)];

/** `ISTIO_IN_REDIRECT` is `istio-in-redirect` here. */
function chainName(chain: string): string {
  return chain.toLowerCase().replaceAll("_", "-");
}

const priorities: Readonly<Record<RuleTable, number>> = { raw: -300, mangle: -150, nat: -100 };

function hookOf(table: RuleTable, chain: string): string {
  if (chain !== "PREROUTING" && chain !== "OUTPUT") return "";
  // Only a chain of type route has the packet routed anew when its mark changes, as iptables' mangle does.
  const type = table === "nat" ? "nat" : table === "mangle" && chain === "OUTPUT" ? "route" : "filter";
  return ` { type ${type} hook ${chain.toLowerCase()} priority ${priorities[table]} ; }`;
}

interface FamilyRule {
  readonly rule: Rule;
  readonly family: AddressFamily | undefined;
}

/** In a table of both families a rule is written once, unless its addresses tell the families apart. */
function perFamily(rule: Rule, families: readonly AddressFamily[]): readonly FamilyRule[] {
  if (rule.family !== undefined) return families.includes(rule.family) ? [{ rule, family: rule.family }] : [];
  const differs = rule.matches.some(isByFamily) || rule.target.kind === "tproxy";
  return differs ? families.map((family) => ({ rule, family })) : [{ rule, family: undefined }];
}

function isByFamily(match: Match): boolean {
  return (match.kind === "source" || match.kind === "destination") && typeof match.address !== "string";
}

function placeRules(rules: readonly FamilyRule[]): readonly string[] {
  const lines: string[] = [];
  const lengths = new Map<string, number>();
  let previous = "";
  for (const { rule, family } of rules) {
    const text = renderRule(rule, family);
    const length = lengths.get(rule.chain) ?? 0;
    const chain = `${tableName(rule.table)} ${chainName(rule.chain)}`;
    const index = (rule.position ?? length + 1) - 1;
    // nft refuses an index that no rule has yet.
    const line = index < length ? `insert rule ${chain} index ${index} ${text}` : `add rule ${chain} ${text}`;
    // The same rule for either family, without an address: one serves both.
    if (line === previous && rule.family !== undefined) continue;
    previous = line;
    lengths.set(rule.chain, length + 1);
    lines.push(line);
  }
  return lines;
}

function renderRule(rule: Rule, family: AddressFamily | undefined): string {
  const matches = rule.matches.map((match) => renderMatch(match, rule.matches, family));
  return [...matches, "counter", renderTarget(rule.target, family)].filter((word) => word !== "").join(" ");
}

function renderMatch(match: Match, all: readonly Match[], family: AddressFamily | undefined): string {
  switch (match.kind) {
    case "inInterface":
      return `iifname ${interfaceName(match.name)}`;
    case "outInterface":
      return `oifname ${interfaceName(match.name)}`;
    case "source":
      return renderAddress("saddr", match, family);
    case "destination":
      return renderAddress("daddr", match, family);
    case "protocol":
      // A match on a port says the protocol too.
      return all.some(isPort) ? "" : `meta l4proto ${match.protocol}`;
    case "sourcePort":
      return `${protocolOf(all)} sport ${match.port}`;
    case "destinationPort":
      return `${protocolOf(all)} dport ${not(match)}${oneOrSet(match.ports)}`;
    case "ownerUser":
      return `skuid ${not(match)}${ownerName(match.id)}`;
    case "ownerGroup":
      return `skgid ${not(match)}${ownerName(match.id)}`;
    case "mark":
      return `meta mark ${not(match)}${match.mark}`;
    case "connectionMark":
      return `ct mark ${match.mark}`;
    case "connectionState":
      return `ct state ${match.states.map((state) => state.toLowerCase()).join()}`;
    default:
      return assertNever(match);
  }
}

/** Quoted, since a name may read as a keyword; iptables' `+` for "whatever follows" is `*` here. */
function interfaceName(name: string): string {
  return `"${name.replace(/\+$/, "*")}"`;
}

function ownerName(id: string): string {
  return /^\d+$/.test(id) ? id : `"${id}"`;
}

function renderAddress(
  side: "saddr" | "daddr",
  match: { readonly address: RuleAddress; readonly not?: true },
  family: AddressFamily | undefined,
): string {
  const { address } = match;
  const text = typeof address === "string" ? address : address[family ?? "ipv4"];
  return `${protocolKeywords[addressFamily(text)]} ${side} ${not(match)}${text}`;
}

const protocolKeywords: Readonly<Record<AddressFamily, string>> = { ipv4: "ip", ipv6: "ip6" };

function isPort({ kind }: Match): boolean {
  return kind === "sourcePort" || kind === "destinationPort";
}

function protocolOf(matches: readonly Match[]): string {
  const found = matches.find((match) => match.kind === "protocol");
  if (found === undefined) throw new Error("A rule matches a port and no protocol");
  return found.protocol;
}

function oneOrSet(ports: readonly number[]): string {
  return ports.length === 1 ? ports.join() : `{ ${ports.join(", ")} }`;
}

function not(match: { readonly not?: true }): string {
  return match.not === true ? "!= " : "";
}

function renderTarget(target: Target, family: AddressFamily | undefined): string {
  switch (target.kind) {
    case "return":
    case "accept":
    case "drop":
      return target.kind;
    case "jump":
      return `jump ${chainName(target.chain)}`;
    case "redirect":
      return `redirect to :${target.port}`;
    case "tproxy":
      // Unlike iptables' TPROXY it doesn't end the walk by itself.
      return `tproxy ${protocolKeywords[family ?? "ipv4"]} to :${target.port} meta mark set ${target.mark} accept`;
    case "setMark":
      return `meta mark set ${target.mark}`;
    case "saveMark":
      return "ct mark set meta mark";
    case "restoreMark":
      return "meta mark set ct mark";
    case "connectionZone":
      return `ct zone set ${target.zone}`;
    default:
      return assertNever(target);
  }
}
