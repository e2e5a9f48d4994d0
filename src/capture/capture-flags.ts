// The flags of Istio's redirect program as a table: each knows how to read its setting and how to write it.

import type { CaptureSettings, InterceptionMode } from "./capture-settings.ts";
import { parseRange } from "./ip-range.ts";

export interface CaptureFlag {
  readonly short?: string;
  readonly long: string;
  /** Undefined when the text isn't `wanted`. */
  parse(text: string): Partial<CaptureSettings> | undefined;
  format(settings: CaptureSettings): string;
  readonly wanted: string;
  /** Injection writes it even where the value is the default. */
  readonly isAlwaysWritten?: true;
}

type KeysOf<V> = {
  [K in keyof CaptureSettings]: CaptureSettings[K] extends V ? K : never;
}[keyof CaptureSettings];

/** In the order in which injection writes them. */
export const captureFlags: readonly CaptureFlag[] = [
  always(numberFlag("outboundPort", "envoy-port", "p")),
  always(numberFlag("inboundPort", "inbound-capture-port", "z")),
  numberFlag("tunnelPort", "inbound-tunnel-port", "e"),
  always(namesFlag("proxyUsers", "proxy-uid", "u")),
  namesFlag("proxyGroups", "proxy-gid", "g"),
  always(modeFlag()),
  numberFlag("tproxyMark", "istio-inbound-tproxy-mark", "t"),
  numberFlag("tproxyRouteTable", "istio-inbound-tproxy-route-table", "r"),
  always(outboundRangesFlag()),
  always(excludedRangesFlag()),
  always(inboundPortsFlag()),
  always(portsFlag("inboundPortsExcluded", "istio-local-exclude-ports", "d")),
  portsFlag("outboundPorts", "istio-outbound-ports", "q"),
  portsFlag("outboundPortsExcluded", "istio-local-outbound-ports-exclude", "o"),
  namesFlag("rerouteInterfaces", "kube-virt-interfaces", "k"),
  namesFlag("excludedInterfaces", "istio-exclude-interfaces", "c"),
  booleanFlag("dropInvalid", "drop-invalid"),
  booleanFlag("ipv6", "dual-stack"),
];

/** How that program runs, not what it captures: accepted so that its arguments can be taken as they are. */
export const ignoredCaptureFlags: ReadonlySet<string> = new Set([
  "cleanup-only",
  "cni-mode",
  "dry-run",
  "force-apply",
  "force-iptables-binary",
  "iptables-probe-port",
  "iptables-trace-logging",
  "iptables-version",
  "log_as_json",
  "log_output_level",
  "native-nftables",
  "network-namespace",
  "probe-timeout",
  "reconcile",
  "run-validation",
  "skip-rule-apply",
]);

/** Flags that stand alone; a value can only follow an equals sign. */
export const valuelessCaptureFlags: ReadonlySet<string> = new Set([
  "capture-all-dns",
  "cleanup-only",
  "cni-mode",
  "drop-invalid",
  "dry-run",
  "dual-stack",
  "force-apply",
  "iptables-trace-logging",
  "log_as_json",
  "native-nftables",
  "reconcile",
  "redirect-dns",
  "run-validation",
  "skip-rule-apply",
]);

function always(flag: CaptureFlag): CaptureFlag {
  return { ...flag, isAlwaysWritten: true };
}

function numberFlag(key: KeysOf<number>, long: string, short: string): CaptureFlag {
  return {
    long,
    short,
    wanted: "a number",
    parse: (text) => (/^\d{1,9}$/.test(text) ? { [key]: Number(text) } : undefined),
    format: (settings) => `${settings[key]}`,
  };
}

function namesFlag(
  key: "proxyUsers" | "proxyGroups" | "rerouteInterfaces" | "excludedInterfaces",
  long: string,
  short: string,
): CaptureFlag {
  return {
    long,
    short,
    wanted: "names, separated by commas",
    // These words go into a rule: nothing but what a user, group or interface can be called.
    parse: (text) => wordsOf(text, (word) => (/^[\w.@:+-]+$/.test(word) ? word : undefined), key),
    format: (settings) => settings[key].join(","),
  };
}

function portsFlag(
  key: "inboundPortsExcluded" | "outboundPorts" | "outboundPortsExcluded",
  long: string,
  short: string,
): CaptureFlag {
  return {
    long,
    short,
    wanted: "ports from 1 to 65535, separated by commas",
    parse: (text) => wordsOf(text, parsePort, key),
    format: (settings) => settings[key].join(","),
  };
}

function inboundPortsFlag(): CaptureFlag {
  return {
    long: "istio-inbound-ports",
    short: "b",
    wanted: '"*", or ports from 1 to 65535, separated by commas',
    parse: (text) => (text === "*" ? { inboundPorts: "*" } : wordsOf(text, parsePort, "inboundPorts")),
    format: ({ inboundPorts }) => (inboundPorts === "*" ? "*" : inboundPorts.join(",")),
  };
}

function outboundRangesFlag(): CaptureFlag {
  return {
    long: "istio-service-cidr",
    short: "i",
    wanted: '"*", or ranges such as 10.0.0.0/8, separated by commas',
    parse: (text) => (text === "*" ? { outboundRanges: "*" } : wordsOf(text, parseRange, "outboundRanges")),
    format: ({ outboundRanges }) => (outboundRanges === "*" ? "*" : outboundRanges.join(",")),
  };
}

function excludedRangesFlag(): CaptureFlag {
  return {
    long: "istio-service-exclude-cidr",
    short: "x",
    wanted: "ranges such as 10.0.0.0/8, separated by commas",
    parse: (text) => wordsOf(text, parseRange, "outboundRangesExcluded"),
    format: ({ outboundRangesExcluded }) => outboundRangesExcluded.join(","),
  };
}

function modeFlag(): CaptureFlag {
  const modes: readonly InterceptionMode[] = ["REDIRECT", "TPROXY"];
  return {
    long: "istio-inbound-interception-mode",
    short: "m",
    wanted: '"REDIRECT" or "TPROXY"',
    parse: (text) => {
      const mode = modes.find((known) => known === (text === "" ? "REDIRECT" : text));
      return mode === undefined ? undefined : { mode };
    },
    format: ({ mode }) => mode,
  };
}

function booleanFlag(key: KeysOf<boolean>, long: string): CaptureFlag {
  return {
    long,
    wanted: '"true" or "false"',
    parse: (text) => (text === "true" || text === "false" ? { [key]: text === "true" } : undefined),
    format: (settings) => `${settings[key]}`,
  };
}

export function parsePort(text: string): number | undefined {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65535 ? Number(text) : undefined;
}

function wordsOf<T>(
  text: string,
  parseWord: (word: string) => T | undefined,
  key: keyof CaptureSettings,
): Partial<CaptureSettings> | undefined {
  const values = text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "")
    .map(parseWord);
  return values.includes(undefined) ? undefined : { [key]: values };
}
