// DNS capture: queries to port 53 go to the agent. Query and answer on both sides of the agent get
// connection-tracking zones of their own, or the kernel mixes up UDP flows of equal ports.

import type { CaptureSettings } from "./capture-settings.ts";
import { chainNames, natOutput } from "./chains.ts";
import type { AddressFamily, ChainOf, Match, Rule } from "./rule.ts";
import { append, isOwner, jumpTo, onlyIn, tcp, toPort, udp } from "./rule.ts";

export const DNS_PORT = 53;

const UPSTREAM_ZONE = 1;
const CLIENT_ZONE = 2;

const natDns: ChainOf = { table: "nat", chain: chainNames.outputDns };
const rawDns: ChainOf = { table: "raw", chain: chainNames.outputDns };
const rawInbound: ChainOf = { table: "raw", chain: chainNames.inbound };
const toDns = toPort(DNS_PORT);
const fromDns: Match = { kind: "sourcePort", port: DNS_PORT };

/** Capture of the queries to no server at all is none. */
export function capturesDns({ dns }: CaptureSettings): boolean {
  return dns.kind === "all" || (dns.kind === "servers" && dns.ipv4.length + dns.ipv6.length > 0);
}

export function dnsRules(settings: CaptureSettings): Rule[] {
  if (!capturesDns(settings)) return [];
  const scopes = dnsScopes(settings);
  const redirect = { kind: "redirect", port: settings.dnsPort } as const;
  const families = new Set(scopes.map((scope) => scope.family));
  return [
    append({ table: "raw", chain: "OUTPUT" }, [], jumpTo(chainNames.outputDns)),
    ...[...families].map((family) =>
      inScope({ family }, append(natOutput, [], jumpTo(chainNames.outputDns))),
    ),
    ...scopes.map((scope) => inScope(scope, append(natDns, [tcp, toDns, ...scope.destination], redirect))),
    ...scopes.map((scope) => inScope(scope, append(natDns, [udp, toDns, ...scope.destination], redirect))),
    ...settings.proxyUsers.flatMap((id) => agentZoneRules(settings, isOwner("ownerUser", id))),
    ...settings.proxyGroups.flatMap((id) => agentZoneRules(settings, isOwner("ownerGroup", id))),
    ...[...families].map((family) =>
      inScope({ family }, append({ table: "raw", chain: "PREROUTING" }, [], jumpTo(chainNames.inbound))),
    ),
    ...scopes.flatMap(clientZoneRules),
  ];
}

/** One resolver, or all of them at once. */
interface DnsScope {
  readonly family: AddressFamily | undefined;
  readonly destination: readonly Match[];
  readonly source: readonly Match[];
}

function dnsScopes({ dns }: CaptureSettings): DnsScope[] {
  if (dns.kind === "off") return [];
  if (dns.kind === "all") return [{ family: undefined, destination: [], source: [] }];
  return [
    ...dns.ipv4.map((server) => serverScope("ipv4", `${server}/32`)),
    ...dns.ipv6.map((server) => serverScope("ipv6", `${server}/128`)),
  ];
}

function serverScope(family: AddressFamily, address: string): DnsScope {
  return { family, destination: [{ kind: "destination", address }], source: [{ kind: "source", address }] };
}

function agentZoneRules(settings: CaptureSettings, owner: Match): Rule[] {
  const fromAgent: Match = { kind: "sourcePort", port: settings.dnsPort };
  return [
    append(rawDns, [udp, toDns, owner], { kind: "connectionZone", zone: UPSTREAM_ZONE }),
    append(rawDns, [udp, fromAgent, owner], { kind: "connectionZone", zone: CLIENT_ZONE }),
  ];
}

function clientZoneRules(scope: DnsScope): Rule[] {
  return [
    append(rawDns, [udp, toDns, ...scope.destination], { kind: "connectionZone", zone: CLIENT_ZONE }),
    append(rawInbound, [udp, fromDns, ...scope.source], { kind: "connectionZone", zone: UPSTREAM_ZONE }),
  ].map((rule) => inScope(scope, rule));
}

function inScope({ family }: { readonly family: AddressFamily | undefined }, rule: Rule): Rule {
  return family === undefined ? rule : onlyIn(family, rule);
}
