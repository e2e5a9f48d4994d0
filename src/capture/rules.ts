// The redirect rules of a pod as data, from its settings, in the order in which they are to be applied.
// Knows neither iptables nor nft, applies nothing.

import type { CaptureSettings } from "./capture-settings.ts";
import { chainNames, manglePrerouting, natInbound, natPrerouting } from "./chains.ts";
import { dnsRules } from "./dns-rules.ts";
import { inboundRules } from "./inbound-rules.ts";
import { outboundRules } from "./outbound-rules.ts";
import type { Rule } from "./rule.ts";
import { append, insertAt, jumpTo, tcp, toPort } from "./rule.ts";
import { tproxyMarkRules } from "./tproxy-rules.ts";

/** The same settings always give the same rules; the order is Istio's, since earlier rules win. */
export function buildRules(settings: CaptureSettings): readonly Rule[] {
  return [
    ...excludedInterfaceRules(settings),
    ...settings.rerouteInterfaces.map((name) =>
      insertAt(1, natPrerouting, [{ kind: "inInterface", name }], { kind: "return" }),
    ),
    ...dropInvalidRules(settings),
    ...redirectRules(settings),
    ...inboundRules(settings),
    ...outboundRules(settings, dnsRules(settings)),
    ...(settings.mode === "TPROXY" ? tproxyMarkRules(settings) : []),
  ];
}

function excludedInterfaceRules(settings: CaptureSettings): Rule[] {
  const tables = settings.mode === "TPROXY" ? (["nat", "mangle"] as const) : (["nat"] as const);
  return tables.flatMap((table) =>
    settings.excludedInterfaces.flatMap((name) => [
      append({ table, chain: "PREROUTING" }, [{ kind: "inInterface", name }], { kind: "return" }),
      append({ table, chain: "OUTPUT" }, [{ kind: "outInterface", name }], { kind: "return" }),
    ]),
  );
}

function dropInvalidRules(settings: CaptureSettings): Rule[] {
  if (!settings.dropInvalid) return [];
  return [
    append(manglePrerouting, [{ kind: "connectionState", states: ["INVALID"] }], jumpTo(chainNames.drop)),
    append({ table: "mangle", chain: chainNames.drop }, [], { kind: "drop" }),
  ];
}

/** The two chains that end in the proxy, and the tunnel port that goes there by itself. */
function redirectRules(settings: CaptureSettings): Rule[] {
  const toOutbound = { kind: "redirect", port: settings.outboundPort } as const;
  const toInbound = { kind: "redirect", port: settings.inboundPort } as const;
  return [
    append(natInbound, [tcp, toPort(settings.tunnelPort)], { kind: "return" }),
    append({ table: "nat", chain: chainNames.redirect }, [tcp], toOutbound),
    append({ table: "nat", chain: chainNames.inboundRedirect }, [tcp], toInbound),
  ];
}
