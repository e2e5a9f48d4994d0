// Rules as the input of `iptables-restore --noflush` (or `ip6tables-restore`): whole tables at once, so
// that a pod is captured entirely or not at all.

import { assertNever } from "../core/assert-never.ts";
import type { AddressFamily, Match, Rule, RuleAddress, RuleTable, Target } from "./rule.ts";

const tables: readonly RuleTable[] = ["mangle", "nat", "raw"];
const kernelChains: ReadonlySet<string> = new Set([
  "PREROUTING",
  "INPUT",
  "FORWARD",
  "OUTPUT",
  "POSTROUTING",
]);

/** Empty when no rule is of that family. */
export function renderIptablesRestore(rules: readonly Rule[], family: AddressFamily): string {
  const ofFamily = rules.filter((rule) => rule.family === undefined || rule.family === family);
  return tables.map((table) => renderTable(table, ofFamily, family)).join("");
}

/** The arguments of one `iptables` call each: what hangs in the kernel's chains first, then our own chains. */
export function renderIptablesRemoval(rules: readonly Rule[], family: AddressFamily): readonly string[][] {
  const ofFamily = rules.filter((rule) => rule.family === undefined || rule.family === family);
  return tables.flatMap((table) => {
    const inTable = ofFamily.filter((rule) => rule.table === table);
    const chains = [...ownChains(inTable)];
    return [
      ...inTable
        .filter(({ chain }) => kernelChains.has(chain))
        .map((rule) => ["-t", table, "-D", rule.chain, ...renderMatchesAndTarget(rule, family).split(" ")]),
      ...chains.map((chain) => ["-t", table, "-F", chain]),
      ...chains.map((chain) => ["-t", table, "-X", chain]),
    ];
  });
}

function renderTable(table: RuleTable, rules: readonly Rule[], family: AddressFamily): string {
  const inTable = rules.filter((rule) => rule.table === table);
  if (inTable.length === 0) return "";
  const lines = [
    `* ${table}`,
    ...[...ownChains(inTable)].map((chain) => `-N ${chain}`),
    ...inTable.map((rule) => renderRule(rule, family)),
    "COMMIT",
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function ownChains(rules: readonly Rule[]): ReadonlySet<string> {
  return new Set(rules.map((rule) => rule.chain).filter((chain) => !kernelChains.has(chain)));
}

function renderRule(rule: Rule, family: AddressFamily): string {
  const place = rule.position === undefined ? `-A ${rule.chain}` : `-I ${rule.chain} ${rule.position}`;
  return `${place} ${renderMatchesAndTarget(rule, family)}`;
}

function renderMatchesAndTarget(rule: Rule, family: AddressFamily): string {
  const matches = rule.matches.map((match) => renderMatch(match, family));
  return [...matches, `-j ${renderTarget(rule.target, rule.matches)}`].join(" ");
}

function renderMatch(match: Match, family: AddressFamily): string {
  switch (match.kind) {
    case "inInterface":
      return `-i ${match.name}`;
    case "outInterface":
      return `-o ${match.name}`;
    case "source":
      return `-s ${addressIn(match.address, family)}`;
    case "destination":
      return `${not(match)}-d ${addressIn(match.address, family)}`;
    case "protocol":
      return `-p ${match.protocol}`;
    case "sourcePort":
      return `--sport ${match.port}`;
    case "destinationPort":
      return match.ports.length === 1
        ? `${not(match)}--dport ${match.ports.join()}`
        : `-m multiport ${not(match)}--dports ${match.ports.join()}`;
    case "ownerUser":
      return `-m owner ${not(match)}--uid-owner ${match.id}`;
    case "ownerGroup":
      return `-m owner ${not(match)}--gid-owner ${match.id}`;
    case "mark":
      return `-m mark ${not(match)}--mark ${match.mark}`;
    case "connectionMark":
      return `-m connmark --mark ${match.mark}`;
    case "connectionState":
      return `-m conntrack --ctstate ${match.states.join()}`;
    default:
      return assertNever(match);
  }
}

function not(match: { readonly not?: true }): string {
  return match.not === true ? "! " : "";
}

function addressIn(address: RuleAddress, family: AddressFamily): string {
  return typeof address === "string" ? address : address[family];
}

function renderTarget(target: Target, matches: readonly Match[]): string {
  switch (target.kind) {
    case "return":
    case "accept":
    case "drop":
      return target.kind.toUpperCase();
    case "jump":
      return target.chain;
    case "redirect":
      return `REDIRECT ${redirectOption(matches)} ${target.port}`;
    case "tproxy":
      return `TPROXY --tproxy-mark ${target.mark}/0xffffffff --on-port ${target.port}`;
    case "setMark":
      return `MARK --set-mark ${target.mark}`;
    case "saveMark":
      return "CONNMARK --save-mark";
    case "restoreMark":
      return "CONNMARK --restore-mark";
    case "connectionZone":
      return `CT --zone ${target.zone}`;
    default:
      return assertNever(target);
  }
}

// iptables takes both spellings; Istio writes the short one for UDP, and tools that compare text expect it.
function redirectOption(matches: readonly Match[]): string {
  const isUdp = matches.some((match) => match.kind === "protocol" && match.protocol === "udp");
  return isUdp ? "--to-port" : "--to-ports";
}
