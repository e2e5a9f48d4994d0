// Services as iptables rules, in kube-proxy's manner: a VIP's port jumps to a chain that picks a ready endpoint
// at random. Pure: text for iptables-restore out, of what changed only.

import { createHash } from "node:crypto";

export interface ServiceVip {
  readonly vip: string;
  readonly ports: readonly ServiceVipPort[];
}

export interface ServiceVipPort {
  readonly port: number;
  readonly protocol: "TCP" | "UDP";
  /** Ready endpoints, `ip:port`; where there are none, connections are refused. */
  readonly targets: readonly string[];
}

/** The rules in force: chain name → its rules, without `-A CHAIN`. */
export type ServiceRules = {
  readonly nat: ReadonlyMap<string, readonly string[]>;
  readonly filter: ReadonlyMap<string, readonly string[]>;
};

export const dispatchChain = "MELTEMI-SERVICES";
export const hairpinChain = "MELTEMI-HAIRPIN";
export const refuseChain = "MELTEMI-REFUSE";

/** Equal services give equal rules in any order of theirs. */
export function buildServiceRules(services: readonly ServiceVip[]): ServiceRules {
  const nat = new Map<string, readonly string[]>();
  const dispatch: string[] = [];
  const podIps = new Set<string>();
  for (const { vip, port, protocol, targets } of portsOf(services)) {
    if (targets.length === 0) continue;
    const chain = endpointChain(`${vip}/${protocol}/${port}`);
    dispatch.push(`-d ${vip}/32 -p ${protocol} -m ${protocol} --dport ${port} -j ${chain}`);
    nat.set(chain, endpointRules(protocol, targets));
    for (const target of targets) podIps.add(target.slice(0, target.lastIndexOf(":")));
  }
  nat.set(dispatchChain, dispatch);
  // A pod that reaches itself by its service must see another sender than itself, or it would drop the packet.
  nat.set(
    hairpinChain,
    [...podIps].sort().map((ip) => `-s ${ip}/32 -d ${ip}/32 -j MASQUERADE`),
  );
  const vips = [...new Set(services.map((service) => service.vip))].sort();
  return { nat, filter: new Map([[refuseChain, vips.map((vip) => `-d ${vip}/32 -j REJECT`)]]) };
}

/** Input for `iptables-restore --noflush` that leads from one to the other; undefined where they are equal. */
export function planServiceUpdate(from: ServiceRules, to: ServiceRules): string | undefined {
  const tables = (["nat", "filter"] as const).map((table) => planTable(table, from[table], to[table]));
  const changed = tables.filter((text) => text !== undefined);
  return changed.length === 0 ? undefined : changed.join("");
}

function planTable(
  table: string,
  from: ReadonlyMap<string, readonly string[]>,
  to: ReadonlyMap<string, readonly string[]>,
): string | undefined {
  const changed = [...to].filter(([chain, rules]) => !sameRules(from.get(chain), rules));
  const gone = [...from.keys()].filter((chain) => !to.has(chain));
  if (changed.length === 0 && gone.length === 0) return undefined;
  const lines = [
    `*${table}`,
    // Naming a chain so empties it, or makes it; one commit applies all, so no packet sees it half-filled.
    ...[...changed.map(([chain]) => chain), ...gone].map((chain) => `:${chain} - [0:0]`),
    ...changed.flatMap(([chain, rules]) => rules.map((rule) => `-A ${chain} ${rule}`)),
    ...gone.map((chain) => `-X ${chain}`),
    "COMMIT",
  ];
  return `${lines.join("\n")}\n`;
}

function* portsOf(services: readonly ServiceVip[]): Iterable<{ vip: string } & Lowercased> {
  const sorted = [...services].sort((a, b) => (a.vip < b.vip ? -1 : a.vip > b.vip ? 1 : 0));
  for (const { vip, ports } of sorted) {
    const byPort = [...ports].sort((a, b) => a.port - b.port || a.protocol.localeCompare(b.protocol));
    for (const { port, protocol, targets } of byPort) {
      yield {
        vip,
        port,
        protocol: protocol === "TCP" ? "tcp" : "udp",
        targets: [...new Set(targets)].sort(),
      };
    }
  }
}

interface Lowercased {
  readonly port: number;
  readonly protocol: "tcp" | "udp";
  readonly targets: readonly string[];
}

// Rule i of n is reached by those that the earlier ones passed over, so it takes one in n-i.
function endpointRules(protocol: "tcp" | "udp", targets: readonly string[]): readonly string[] {
  return targets.map((target, at) => {
    const remaining = targets.length - at;
    const chance = `-m statistic --mode random --probability ${(1 / remaining).toFixed(10)} `;
    return `-p ${protocol} ${remaining === 1 ? "" : chance}-j DNAT --to-destination ${target}`;
  });
}

// iptables allows names of 28 characters.
function endpointChain(port: string): string {
  return `MSVC-${createHash("sha256").update(port).digest("hex").slice(0, 16).toUpperCase()}`;
}

function sameRules(a: readonly string[] | undefined, b: readonly string[]): boolean {
  return a !== undefined && a.length === b.length && a.every((rule, at) => rule === b[at]);
}
