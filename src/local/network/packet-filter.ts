// iptables in the mesh's own namespace: the rules that stay, and those of services, kept in step with what was last asked.
// Uses the kernel's nf_tables, and the older interface only where that fails.

import type { Logger } from "../../core/logger.ts";
import { findTool, runTool } from "./run-tool.ts";
import {
  buildServiceRules,
  dispatchChain,
  hairpinChain,
  planServiceUpdate,
  refuseChain,
  type ServiceRules,
  type ServiceVip,
} from "./service-rules.ts";

/** The restore command that works in this kernel. */
export type RestoreCommand = "iptables-restore" | "iptables-legacy-restore";

export interface PacketFilter {
  readonly restoreCommand: RestoreCommand;
  /** Resolves when these services, or later ones, are in force; calls that overlap share one update. */
  setServices(services: readonly ServiceVip[]): Promise<void>;
}

export interface PacketFilterOptions {
  readonly podCidr: string;
  readonly serviceCidr: string;
  readonly bridge: string;
  readonly log: Logger;
}

export async function createPacketFilter(options: PacketFilterOptions): Promise<PacketFilter> {
  const restoreCommand = await applyBaseRules(buildBaseRules(options));
  let inForce = emptyRules;
  let wanted: readonly ServiceVip[] = [];
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  async function update(): Promise<void> {
    const rules = buildServiceRules(wanted);
    const input = planServiceUpdate(inForce, rules);
    if (input === undefined) return;
    await restore(restoreCommand, input);
    inForce = rules;
    options.log.debug({ serviceCount: wanted.length, byteCount: input.length }, "service rules applied");
  }

  function start(): Promise<void> {
    next = undefined;
    running = update().finally(() => {
      running = undefined;
    });
    return running;
  }

  return {
    restoreCommand,
    setServices(services) {
      wanted = services;
      next ??= (running ?? Promise.resolve()).then(start, start);
      return next;
    },
  };
}

const emptyRules: ServiceRules = {
  nat: new Map([
    [dispatchChain, []],
    [hairpinChain, []],
  ]),
  filter: new Map([[refuseChain, []]]),
};

function buildBaseRules({ podCidr, serviceCidr, bridge }: PacketFilterOptions): string {
  return `*nat
:${dispatchChain} - [0:0]
:${hairpinChain} - [0:0]
-A PREROUTING -j ${dispatchChain}
-A OUTPUT -j ${dispatchChain}
-A POSTROUTING -m conntrack --ctstate DNAT -j ${hairpinChain}
-A POSTROUTING -s ${podCidr} ! -o ${bridge} -j MASQUERADE
COMMIT
*filter
:${refuseChain} - [0:0]
-A FORWARD -j ${refuseChain}
-A FORWARD -d ${serviceCidr} -j REJECT
-A OUTPUT -j ${refuseChain}
-A OUTPUT -d ${serviceCidr} -j REJECT
COMMIT
`;
}

async function applyBaseRules(rules: string): Promise<RestoreCommand> {
  const first = await runTool(["iptables-restore", "--noflush", "--wait"], { input: rules });
  if (first.code === 0) return "iptables-restore";
  if (findTool("iptables-legacy-restore") !== undefined) {
    const second = await runTool(["iptables-legacy-restore", "--noflush", "--wait"], { input: rules });
    if (second.code === 0) return "iptables-legacy-restore";
  }
  throw new Error(`iptables-restore failed in the mesh's namespace: ${first.stderr.trim()}`);
}

async function restore(command: RestoreCommand, input: string): Promise<void> {
  const outcome = await runTool([command, "--noflush", "--wait"], { input });
  if (outcome.code !== 0) throw new Error(`${command} failed on service rules: ${outcome.stderr.trim()}`);
}
