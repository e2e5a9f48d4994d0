// The commands that put a pod's capture in force, as data: whoever is in the pod's network namespace
// (init container, CNI plugin, local runtime) runs them in order. Runs nothing itself.

import type { CaptureSettings } from "./capture-settings.ts";
import { renderIptablesRestore } from "./render-iptables-restore.ts";
import type { AddressFamily } from "./rule.ts";
import { buildRules } from "./rules.ts";

export interface CaptureCommand {
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]];
  /** Standard input. */
  readonly input: string;
}

/** Expects a namespace without rules of ours; the first command that fails leaves the rest undone. */
export function captureCommands(settings: CaptureSettings): CaptureCommand[] {
  const rules = buildRules(settings);
  const families: readonly AddressFamily[] = settings.ipv6 ? ["ipv4", "ipv6"] : ["ipv4"];
  return families.flatMap((family): CaptureCommand[] => [
    { command: [restoreProgram[family], "--noflush", "--wait"], input: renderIptablesRestore(rules, family) },
    ...(settings.mode === "TPROXY" ? markRoutes(settings, family) : []),
  ]);
}

const restoreProgram: Readonly<Record<AddressFamily, string>> = {
  ipv4: "iptables-restore",
  ipv6: "ip6tables-restore",
};

/** Marked packets are delivered locally whatever their destination, which is what lets TPROXY take them. */
function markRoutes(settings: CaptureSettings, family: AddressFamily): CaptureCommand[] {
  const flag = family === "ipv4" ? "-4" : "-6";
  const { tproxyMark, tproxyRouteTable } = settings;
  return [
    command("ip", flag, "rule", "add", "fwmark", `${tproxyMark}`, "lookup", `${tproxyRouteTable}`),
    command("ip", flag, "route", "add", "local", "default", "dev", "lo", "table", `${tproxyRouteTable}`),
  ];
}

function command(program: string, ...args: string[]): CaptureCommand {
  return { command: [program, ...args], input: "" };
}
