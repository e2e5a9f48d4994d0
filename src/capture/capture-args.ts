// Settings from the arguments and environment of Istio's redirect program (those of the `istio-init`
// container), and those arguments from settings.

import type { Problem } from "../core/problem.ts";
import { problem } from "../core/problem.ts";
import type { CaptureFlag } from "./capture-flags.ts";
import { captureFlags, ignoredCaptureFlags, valuelessCaptureFlags } from "./capture-flags.ts";
import type { CaptureSettings, DnsCapture } from "./capture-settings.ts";
import { defaultCaptureSettings } from "./capture-settings.ts";

export interface CaptureArgsContext {
  readonly env: Readonly<Record<string, string>>;
  /** The resolvers of the pod's resolv.conf: DNS capture takes the queries to these. */
  readonly resolvers: { readonly ipv4: readonly string[]; readonly ipv6: readonly string[] };
}

export type ParsedCaptureArgs =
  | { readonly kind: "parsed"; readonly settings: CaptureSettings }
  | { readonly kind: "invalid"; readonly problems: readonly Problem[] };

/** Takes the arguments with or without the leading program name; both `-p 15001` and `--envoy-port=15001`. */
export function parseCaptureArgs(args: readonly string[], context: CaptureArgsContext): ParsedCaptureArgs {
  const { values, problems } = splitFlags(args[0] === "istio-iptables" ? args.slice(1) : args);
  let settings = settingsFromEnv(context);
  for (const [name, text] of values) {
    const flag = captureFlags.find(({ long, short }) => long === name || short === name);
    const parsed = flag?.parse(text);
    if (parsed !== undefined) settings = { ...settings, ...parsed };
    else if (flag !== undefined) problems.push(wrongValue(flag, text));
  }
  const dns = dnsFrom(values, context);
  return problems.length > 0
    ? { kind: "invalid", problems }
    : { kind: "parsed", settings: { ...settings, dns } };
}

/** The arguments that injection writes: the usual ones always, the others where they differ from the default. */
export function formatCaptureArgs(settings: CaptureSettings): string[] {
  return captureFlags.flatMap((flag) => {
    const text = flag.format(settings);
    if (flag.isAlwaysWritten !== true && text === flag.format(defaultCaptureSettings)) return [];
    return flag.short === undefined ? [`--${flag.long}=${text}`] : [`-${flag.short}`, text];
  });
}

interface SplitFlags {
  readonly values: Map<string, string>;
  readonly problems: Problem[];
}

function splitFlags(args: readonly string[]): SplitFlags {
  const values = new Map<string, string>();
  const problems: Problem[] = [];
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] ?? "";
    const [, name, , text] = /^--?([\w-]+)(=(.*))?$/s.exec(arg) ?? [];
    if (name === undefined || !isKnown(name)) {
      problems.push(
        problem("MLT1005", { message: `Cannot read the capture argument "${arg}": no such flag` }),
      );
    } else if (text !== undefined) {
      values.set(name, text);
    } else if (valuelessCaptureFlags.has(name) || name === "n") {
      values.set(name, "true");
    } else {
      index += 1;
      values.set(name, args[index] ?? "");
    }
  }
  return { values, problems };
}

function isKnown(name: string): boolean {
  const isSetting = captureFlags.some(({ long, short }) => long === name || short === name);
  return (
    isSetting || ignoredCaptureFlags.has(name) || ["redirect-dns", "capture-all-dns", "n"].includes(name)
  );
}

function wrongValue(flag: CaptureFlag, text: string): Problem {
  return problem("MLT1005", {
    message: `Cannot capture with --${flag.long} "${text}": wanted ${flag.wanted}`,
  });
}

function settingsFromEnv({ env }: CaptureArgsContext): CaptureSettings {
  const groups = env.ISTIO_OUTBOUND_OWNER_GROUPS ?? "*";
  return {
    ...defaultCaptureSettings,
    ownerGroups: groups === "*" ? "*" : splitList(groups),
    ownerGroupsExcluded: splitList(env.ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE ?? ""),
    dropInvalid: env.INVALID_DROP === "true",
    ipv6: env.ISTIO_DUAL_STACK === "true",
    loopbackCidr: env.ISTIO_OUTBOUND_IPV4_LOOPBACK_CIDR ?? defaultCaptureSettings.loopbackCidr,
  };
}

function splitList(text: string): string[] {
  return text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

function dnsFrom(values: ReadonlyMap<string, string>, { env, resolvers }: CaptureArgsContext): DnsCapture {
  const isOn = (values.get("redirect-dns") ?? env.ISTIO_META_DNS_CAPTURE) === "true";
  if (!isOn) return { kind: "off" };
  return values.get("capture-all-dns") === "true" ? { kind: "all" } : { kind: "servers", ...resolvers };
}
