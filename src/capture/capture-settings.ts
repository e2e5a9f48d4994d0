// What is to be intercepted in one pod: every setting of Istio's redirect program, parsed.
// Rules are made from this record alone; it holds no text that still needs reading.

/** `REDIRECT` rewrites the destination; `TPROXY` keeps both addresses and needs a policy route. */
export type InterceptionMode = "REDIRECT" | "TPROXY";

/** Which DNS queries go to the agent: none, those to the resolvers named, or all. */
export type DnsCapture =
  | { readonly kind: "off" }
  | { readonly kind: "servers"; readonly ipv4: readonly string[]; readonly ipv6: readonly string[] }
  | { readonly kind: "all" };

export interface CaptureSettings {
  /** Where outbound connections arrive in the proxy. */
  readonly outboundPort: number;
  /** Where inbound connections arrive in the proxy. */
  readonly inboundPort: number;
  /** HBONE: already addressed to the proxy, never redirected. */
  readonly tunnelPort: number;
  readonly dnsPort: number;
  /** Users and groups whose traffic is the proxy's own; names or numbers. */
  readonly proxyUsers: readonly string[];
  readonly proxyGroups: readonly string[];
  readonly mode: InterceptionMode;
  /** Packet mark and routing table of TPROXY. */
  readonly tproxyMark: number;
  readonly tproxyRouteTable: number;
  /** `"*"`: every port but the excluded ones; a list: those alone, and the exclusions mean nothing. */
  readonly inboundPorts: "*" | readonly number[];
  readonly inboundPortsExcluded: readonly number[];
  /** Captured whatever their address is, in addition to the ranges. */
  readonly outboundPorts: readonly number[];
  readonly outboundPortsExcluded: readonly number[];
  readonly outboundRanges: "*" | readonly string[];
  readonly outboundRangesExcluded: readonly string[];
  /** Interfaces (of virtual machines in the pod) whose inbound traffic counts as outbound. */
  readonly rerouteInterfaces: readonly string[];
  readonly excludedInterfaces: readonly string[];
  /** Groups whose processes are captured; `"*"`: all but the excluded ones. */
  readonly ownerGroups: "*" | readonly string[];
  readonly ownerGroupsExcluded: readonly string[];
  readonly dns: DnsCapture;
  /** Drop packets that connection tracking calls invalid, so that they don't reset a connection. */
  readonly dropInvalid: boolean;
  /** What counts as "to itself" in IPv4. */
  readonly loopbackCidr: string;
  /** Whether the pod has IPv6, and so needs the rules twice. */
  readonly ipv6: boolean;
}

/** Istio's defaults: everything in, nothing out (injection says what goes out). */
export const defaultCaptureSettings: CaptureSettings = {
  outboundPort: 15001,
  inboundPort: 15006,
  tunnelPort: 15008,
  dnsPort: 15053,
  proxyUsers: ["1337"],
  proxyGroups: ["1337"],
  mode: "REDIRECT",
  tproxyMark: 1337,
  tproxyRouteTable: 133,
  inboundPorts: [],
  inboundPortsExcluded: [],
  outboundPorts: [],
  outboundPortsExcluded: [],
  outboundRanges: [],
  outboundRangesExcluded: [],
  rerouteInterfaces: [],
  excludedInterfaces: [],
  ownerGroups: "*",
  ownerGroupsExcluded: [],
  dns: { kind: "off" },
  dropInvalid: false,
  loopbackCidr: "127.0.0.1/32",
  ipv6: false,
};
