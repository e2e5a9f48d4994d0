// Which connections that leave the pod's processes go through the proxy, and which are left alone.

import type { CaptureSettings } from "./capture-settings.ts";
import {
  chainNames,
  loopbackOf,
  natKernelOutput,
  natOutput,
  natPrerouting,
  proxyToAppAddress,
} from "./chains.ts";
import { capturesDns, DNS_PORT } from "./dns-rules.ts";
import { addressFamily, isLoopbackRange } from "./ip-range.ts";
import type { Match, Rule } from "./rule.ts";
import { append, insertAt, isNotOwner, isOwner, jumpTo, onlyIn, tcp, toPort, udp } from "./rule.ts";

const outLoopback: Match = { kind: "outInterface", name: "lo" };

/** `dns` stands after the proxy's own traffic is let go and before loopback is: resolvers may be on loopback. */
export function outboundRules(settings: CaptureSettings, dns: readonly Rule[]): Rule[] {
  const toItself: Match = { kind: "destination", address: loopbackOf(settings.loopbackCidr) };
  return [
    append(natKernelOutput, [], jumpTo(chainNames.output)),
    ...settings.outboundPortsExcluded.flatMap((port) => [
      append(natOutput, [tcp, toPort(port)], { kind: "return" }),
      append(natOutput, [udp, toPort(port)], { kind: "return" }),
    ]),
    append(natOutput, [outLoopback, { kind: "source", address: proxyToAppAddress }], { kind: "return" }),
    ...settings.proxyUsers.flatMap((id) => proxyRules(settings, "ownerUser", id)),
    ...settings.proxyGroups.flatMap((id) => proxyRules(settings, "ownerGroup", id)),
    ...ownerGroupRules(settings),
    ...dns,
    append(natOutput, [toItself], { kind: "return" }),
    ...settings.outboundRangesExcluded.map((range) =>
      onlyIn(
        addressFamily(range),
        append(natOutput, [{ kind: "destination", address: range }], { kind: "return" }),
      ),
    ),
    ...settings.outboundPorts.map((port) =>
      append(natOutput, [tcp, toPort(port)], jumpTo(chainNames.redirect)),
    ),
    ...rangeRules(settings),
  ];
}

/** Around one identity of the proxy: its calls to its own pod come back as inbound; all else of it goes free. */
function proxyRules(settings: CaptureSettings, kind: "ownerUser" | "ownerGroup", id: string): Rule[] {
  const notToItself: Match = {
    kind: "destination",
    address: loopbackOf(settings.loopbackCidr),
    not: true,
  };
  const withDns = capturesDns(settings);
  // With DNS capture, a query of the agent to a resolver in the pod must not enter the inbound listener.
  const passed = withDns && kind === "ownerUser" ? [DNS_PORT, settings.tunnelPort] : [settings.tunnelPort];
  const toApp: Match[] = [
    outLoopback,
    notToItself,
    tcp,
    { kind: "destinationPort", ports: passed, not: true },
  ];
  // And the app's query to a resolver on loopback must go on to the DNS rules.
  const notDns: Match[] = withDns ? [tcp, { kind: "destinationPort", ports: [DNS_PORT], not: true }] : [];
  const appToItself = append(natOutput, [outLoopback, ...notDns, isNotOwner(kind, id)], { kind: "return" });
  return [
    append(natOutput, [...toApp, isOwner(kind, id)], jumpTo(chainNames.inboundRedirect)),
    ...(capturesLoopback(settings) ? [] : [appToItself]),
    append(natOutput, [isOwner(kind, id)], { kind: "return" }),
  ];
}

/** Whoever lists a loopback range wants calls over loopback in the mesh. */
function capturesLoopback(settings: CaptureSettings): boolean {
  return settings.outboundRanges !== "*" && settings.outboundRanges.some(isLoopbackRange);
}

function ownerGroupRules(settings: CaptureSettings): Rule[] {
  if (settings.ownerGroups === "*") {
    return settings.ownerGroupsExcluded.map((id) =>
      append(natOutput, [isOwner("ownerGroup", id)], { kind: "return" }),
    );
  }
  const inNone = settings.ownerGroups.map((id) => isNotOwner("ownerGroup", id));
  return [append(natOutput, inNone, { kind: "return" })];
}

function rangeRules(settings: CaptureSettings): Rule[] {
  const redirect = jumpTo(chainNames.redirect);
  if (settings.outboundRanges === "*") {
    return [
      append(natOutput, [], redirect),
      ...settings.rerouteInterfaces.map((name) =>
        insertAt(1, natPrerouting, [{ kind: "inInterface", name }], redirect),
      ),
    ];
  }
  return settings.outboundRanges.flatMap((range) => {
    const toRange: Match = { kind: "destination", address: range };
    const rules = [
      ...settings.rerouteInterfaces.map((name) =>
        insertAt(1, natPrerouting, [{ kind: "inInterface", name }, toRange], redirect),
      ),
      append(natOutput, [toRange], redirect),
    ];
    return rules.map((rule) => onlyIn(addressFamily(range), rule));
  });
}
