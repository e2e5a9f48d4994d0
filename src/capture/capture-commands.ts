// The commands that put a pod's capture in force, and those that take it out, as data: whoever is in the pod's network
// namespace (init container, CNI plugin, local runtime) runs them in order. Runs nothing itself.

import type { CaptureBackend } from "./capture-backend.ts";
import type { CaptureCommand } from "./capture-command.ts";
import type { CaptureSettings } from "./capture-settings.ts";
import { proxyToAppAddress } from "./chains.ts";
import { renderIptablesRemoval, renderIptablesRestore } from "./render-iptables-restore.ts";
import { renderNftables, renderNftablesRemoval } from "./render-nftables.ts";
import type { AddressFamily } from "./rule.ts";
import { buildRules } from "./rules.ts";

/** Expects a namespace without rules of ours; the first command that fails leaves the rest undone. */
export function captureCommands(
  settings: CaptureSettings,
  backend: CaptureBackend = "iptables",
): CaptureCommand[] {
  const families = familiesOf(settings);
  const routes = [
    ...(settings.mode === "TPROXY" ? families.flatMap(addMarkRoutes(settings)) : []),
    // Loopback has all of 127.0.0.0/8 but only `::1`: the proxy's source towards the app must be added.
    ...(settings.ipv6 ? [ip("ipv6", "addr", "replace", proxyToAppAddress.ipv6, "dev", "lo")] : []),
  ];
  const rules = buildRules(settings);
  if (backend === "nft") {
    return [{ command: ["nft", "-f", "-"], input: renderNftables(rules, settings) }, ...routes];
  }
  const restores = families.map((family): CaptureCommand => {
    const program = `${programOf(backend, family)}-restore`;
    return { command: [program, "--noflush", "--wait"], input: renderIptablesRestore(rules, family) };
  });
  return [...restores, ...routes];
}

/** Each may fail where its part isn't in force; the others are run nonetheless. */
export function captureRemovalCommands(
  settings: CaptureSettings,
  backend: CaptureBackend = "iptables",
): CaptureCommand[] {
  const families = familiesOf(settings);
  const routes = [
    ...(settings.mode === "TPROXY" ? families.flatMap(removeMarkRoutes(settings)) : []),
    ...(settings.ipv6 ? [ip("ipv6", "addr", "del", proxyToAppAddress.ipv6, "dev", "lo")] : []),
  ];
  if (backend === "nft") return [{ command: ["nft", "-f", "-"], input: renderNftablesRemoval() }, ...routes];
  const rules = buildRules(settings);
  const removals = families.flatMap((family) =>
    renderIptablesRemoval(rules, family).map((args) =>
      command(programOf(backend, family), "--wait", ...args),
    ),
  );
  return [...removals, ...routes];
}

function familiesOf({ ipv6 }: CaptureSettings): readonly AddressFamily[] {
  return ipv6 ? ["ipv4", "ipv6"] : ["ipv4"];
}

function programOf(backend: CaptureBackend, family: AddressFamily): string {
  return family === "ipv4" ? backend : backend.replace("iptables", "ip6tables");
}

/** Marked packets are delivered locally whatever their destination, which is what lets TPROXY take them. */
function addMarkRoutes({ tproxyMark, tproxyRouteTable }: CaptureSettings) {
  return (family: AddressFamily): CaptureCommand[] => [
    ip(family, "rule", "add", "fwmark", `${tproxyMark}`, "lookup", `${tproxyRouteTable}`),
    ip(family, "route", "add", "local", "default", "dev", "lo", "table", `${tproxyRouteTable}`),
  ];
}

function removeMarkRoutes({ tproxyMark, tproxyRouteTable }: CaptureSettings) {
  return (family: AddressFamily): CaptureCommand[] => [
    ip(family, "rule", "del", "fwmark", `${tproxyMark}`, "lookup", `${tproxyRouteTable}`),
    ip(family, "route", "flush", "table", `${tproxyRouteTable}`),
  ];
}

function ip(family: AddressFamily, ...args: string[]): CaptureCommand {
  return command("ip", family === "ipv4" ? "-4" : "-6", ...args);
}

function command(program: string, ...args: string[]): CaptureCommand {
  return { command: [program, ...args], input: "" };
}
