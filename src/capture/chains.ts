// Names of chains and the fixed addresses in rules, as Istio has them: people look for them in `iptables -S`.

import type { ChainOf, RuleAddress } from "./rule.ts";

export const chainNames = {
  inbound: "ISTIO_INBOUND",
  redirect: "ISTIO_REDIRECT",
  inboundRedirect: "ISTIO_IN_REDIRECT",
  output: "ISTIO_OUTPUT",
  outputDns: "ISTIO_OUTPUT_DNS",
  divert: "ISTIO_DIVERT",
  tproxy: "ISTIO_TPROXY",
  drop: "ISTIO_DROP",
} as const;

export const natPrerouting: ChainOf = { table: "nat", chain: "PREROUTING" };
export const natKernelOutput: ChainOf = { table: "nat", chain: "OUTPUT" };
export const natOutput: ChainOf = { table: "nat", chain: chainNames.output };
export const natInbound: ChainOf = { table: "nat", chain: chainNames.inbound };
export const manglePrerouting: ChainOf = { table: "mangle", chain: "PREROUTING" };
export const mangleKernelOutput: ChainOf = { table: "mangle", chain: "OUTPUT" };
export const mangleInbound: ChainOf = { table: "mangle", chain: chainNames.inbound };

/** The proxy dials the app from here, so that its connection isn't taken for one of the app's own. */
export const proxyToAppAddress = { ipv4: "127.0.0.6/32", ipv6: "::6/128" } as const satisfies RuleAddress;

export function loopbackOf(loopbackCidr: string): RuleAddress {
  return { ipv4: loopbackCidr, ipv6: "::1/128" };
}
