// Which connections that arrive at the pod go through the proxy.

import type { CaptureSettings } from "./capture-settings.ts";
import { chainNames, mangleInbound, manglePrerouting, natInbound, natPrerouting } from "./chains.ts";
import type { Match, Rule } from "./rule.ts";
import { append, jumpTo, tcp, toPort } from "./rule.ts";
import { tproxyChainRules } from "./tproxy-rules.ts";

export function inboundRules(settings: CaptureSettings): Rule[] {
  if (settings.inboundPorts !== "*" && settings.inboundPorts.length === 0) return [];
  const isTproxy = settings.mode === "TPROXY";
  const prerouting = isTproxy ? manglePrerouting : natPrerouting;
  return [
    ...(isTproxy ? tproxyChainRules(settings) : []),
    append(prerouting, [tcp], jumpTo(chainNames.inbound)),
    ...portRules(settings),
  ];
}

function portRules(settings: CaptureSettings): Rule[] {
  if (settings.inboundPorts !== "*") {
    return settings.inboundPorts.flatMap((port) => captureRules(settings, [tcp, toPort(port)]));
  }
  const chain = settings.mode === "TPROXY" ? mangleInbound : natInbound;
  return [
    ...settings.inboundPortsExcluded.map((port) => append(chain, [tcp, toPort(port)], { kind: "return" })),
    ...captureRules(settings, [tcp]),
  ];
}

function captureRules(settings: CaptureSettings, matches: readonly Match[]): Rule[] {
  if (settings.mode === "REDIRECT") {
    return [append(natInbound, matches, jumpTo(chainNames.inboundRedirect))];
  }
  const established: Match = { kind: "connectionState", states: ["RELATED", "ESTABLISHED"] };
  return [
    // A packet of a known connection only needs the mark that routes it to the loopback interface.
    append(mangleInbound, [...matches, established], jumpTo(chainNames.divert)),
    append(mangleInbound, matches, jumpTo(chainNames.tproxy)),
  ];
}
