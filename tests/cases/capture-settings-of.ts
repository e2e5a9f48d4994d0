// Reads the settings of a capture case, as Istio's own suites spell them.

import type { CaptureSettings } from "../../src/capture/capture-settings.ts";
import { defaultCaptureSettings } from "../../src/capture/capture-settings.ts";

export interface CaptureCaseConfig {
  readonly [key: string]: unknown;
}

export function settingsOf(config: CaptureCaseConfig): CaptureSettings {
  return {
    ...defaultCaptureSettings,
    outboundPort: numberOf(config.PROXY_PORT),
    inboundPort: numberOf(config.INBOUND_CAPTURE_PORT),
    tunnelPort: numberOf(config.INBOUND_TUNNEL_PORT),
    proxyUsers: listOf(config.PROXY_UID),
    proxyGroups: listOf(config.PROXY_GID),
    mode: config.INBOUND_INTERCEPTION_MODE === "TPROXY" ? "TPROXY" : "REDIRECT",
    tproxyMark: numberOf(config.INBOUND_TPROXY_MARK),
    tproxyRouteTable: numberOf(config.INBOUND_TPROXY_ROUTE_TABLE),
    inboundPorts: allOr(config.INBOUND_PORTS_INCLUDE, numbersOf),
    inboundPortsExcluded: numbersOf(config.INBOUND_PORTS_EXCLUDE),
    outboundPorts: numbersOf(config.OUTBOUND_PORTS_INCLUDE),
    outboundPortsExcluded: numbersOf(config.OUTBOUND_PORTS_EXCLUDE),
    outboundRanges: allOr(config.OUTBOUND_IPRANGES_INCLUDE, listOf),
    outboundRangesExcluded: listOf(config.OUTBOUND_IPRANGES_EXCLUDE),
    rerouteInterfaces: listOf(config.KUBE_VIRT_INTERFACES),
    excludedInterfaces: listOf(config.EXCLUDE_INTERFACES),
    ownerGroups: allOr(config.OUTBOUND_OWNER_GROUPS_INCLUDE, listOf),
    ownerGroupsExcluded: listOf(config.OUTBOUND_OWNER_GROUPS_EXCLUDE),
    dns: dnsOf(config),
    dropInvalid: config.DROP_INVALID === true,
    loopbackCidr: String(config.HOST_IPV4_LOOPBACK_CIDR),
    ipv6: config.ENABLE_INBOUND_IPV6 === true,
  };
}

function dnsOf(config: CaptureCaseConfig): CaptureSettings["dns"] {
  if (config.REDIRECT_DNS !== true) return { kind: "off" };
  if (config.CAPTURE_ALL_DNS === true) return { kind: "all" };
  const servers = (key: string) => (config[key] as string[] | null) ?? [];
  return { kind: "servers", ipv4: servers("DNS_SERVERS_V4"), ipv6: servers("DNS_SERVERS_V6") };
}

function allOr<T>(value: unknown, read: (value: unknown) => T): "*" | T {
  return value === "*" ? "*" : read(value);
}

function listOf(value: unknown): string[] {
  return String(value ?? "")
    .split(",")
    .filter((word) => word !== "");
}

function numbersOf(value: unknown): number[] {
  return listOf(value).map(numberOf);
}

function numberOf(value: unknown): number {
  return Number(value);
}
