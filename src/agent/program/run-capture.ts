// `agent istio-iptables` and `agent istio-clean-iptables`: what the `istio-init` and `istio-validation` containers run,
// in the pod's own network namespace.

import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import type { networkInterfaces } from "node:os";
import { applyCapture, removeCapture } from "../../capture/apply-capture.ts";
import { parseCaptureArgs } from "../../capture/capture-args.ts";
import { captureCommands } from "../../capture/capture-commands.ts";
import type { CaptureSettings } from "../../capture/capture-settings.ts";
import { createCommandRunner } from "../../capture/run-command.ts";
import { validateCapture } from "../../capture/validate-capture.ts";
import { formatProblem } from "../../core/problem.ts";
import { parseResolverSettings } from "../dns/resolver-settings.ts";
import { hasIpv6, podAddresses } from "../pod/pod-addresses.ts";

export interface CaptureRun {
  readonly isRemoval: boolean;
  readonly interfaces: ReturnType<typeof networkInterfaces>;
}

/** Whoever repairs pods tells a pod without capture by it, as Istio's does. */
const NOT_CAPTURED = 126;

export async function runCapture(
  args: readonly string[],
  { isRemoval, interfaces }: CaptureRun,
): Promise<number> {
  const env = definedOnly(process.env);
  const parsed = parseCaptureArgs(args, { env, resolvers: await readResolvers() });
  if (parsed.kind === "invalid") {
    process.stderr.write(`${parsed.problems.map(formatProblem).join("\n")}\n`);
    return 2;
  }
  const settings = settingsHere(parsed.settings, hasIpv6(podAddresses(interfaces, undefined)));
  const prefersNft = hasFlag(args, "native-nftables");
  if (hasFlag(args, "dry-run")) return printCommands(settings, prefersNft);
  const run = createCommandRunner();
  if (isRemoval) {
    await removeCapture(settings, run);
    return 0;
  }
  if (!hasFlag(args, "skip-rule-apply")) {
    const backend = await applyCapture(settings, { run, prefersNft });
    process.stderr.write(`${JSON.stringify({ level: "info", backend, ...settings, msg: "pod captured" })}\n`);
  }
  return hasFlag(args, "run-validation") ? reportValidation(settings) : 0;
}

function settingsHere(settings: CaptureSettings, podHasIpv6: boolean): CaptureSettings {
  return { ...settings, ipv6: settings.ipv6 || podHasIpv6 };
}

async function reportValidation(settings: CaptureSettings): Promise<number> {
  const reason = await validateCapture(settings);
  if (reason === undefined) return 0;
  process.stderr.write(
    `The pod's traffic isn't captured (${reason}): was the CNI plugin installed when it started?\n`,
  );
  return NOT_CAPTURED;
}

function printCommands(settings: CaptureSettings, prefersNft: boolean): number {
  for (const { command, input } of captureCommands(settings, prefersNft ? "nft" : "iptables")) {
    process.stdout.write(`${command.join(" ")}\n${input}`);
  }
  return 0;
}

function hasFlag(args: readonly string[], name: string): boolean {
  return args.includes(`--${name}`) || args.includes(`--${name}=true`);
}

async function readResolvers(): Promise<{ ipv4: string[]; ipv6: string[] }> {
  const text = await readFile(`${process.env.MELTEMI_POD_ROOT ?? ""}/etc/resolv.conf`, "utf8").catch(
    () => "",
  );
  const { servers } = parseResolverSettings(text);
  return {
    ipv4: servers.filter((server) => isIP(server) === 4),
    ipv6: servers.filter((server) => isIP(server) === 6),
  };
}

function definedOnly(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
}
