// Ports on the machine's loopback: the control plane's own and the gateways', bound here and handed to the supervisor.

import type { ChildProcess } from "node:child_process";
import { CommandFailure, exitCodes } from "../cli/exit-code.ts";
import type { PortChoice } from "../cli/local-mesh.ts";
import { listenAndPass } from "../local/front/pass-listener.ts";
import { type GatewayPortWish, SCRAPE_LISTENER } from "../local/supervisor/front-protocol.ts";

export interface OpenedPort {
  readonly port: number;
  /** Why it isn't the one that was wanted. */
  readonly notice?: string;
}

/** Names by which the supervisor hands connections to the control plane. */
export type ControlPlaneListener = "xds" | "admin";

export async function openControlPlanePort(
  channel: ChildProcess,
  name: ControlPlaneListener,
  { port, isExact }: PortChoice,
): Promise<OpenedPort> {
  const outcome = await listenAndPass(channel, { name, port });
  if (outcome.kind === "listening") return chosenPort(outcome.listener.port, { name, wanted: port });
  if (isExact) {
    const message = `Cannot listen on 127.0.0.1:${port} for ${name}: ${reasonOf(outcome.code)}`;
    throw new CommandFailure(exitCodes.environment, message, `--${name}-port 0 takes a free one`);
  }
  const other = await openFree(channel, name);
  return {
    port: other,
    notice: `port ${port} for ${name} can't be had (${reasonOf(outcome.code)}): it is ${other}`,
  };
}

/** Who asked for any port is told which one it is. */
function chosenPort(port: number, { name, wanted }: { name: string; wanted: number }): OpenedPort {
  return wanted === 0 ? { port, notice: `port for ${name} is ${port}` } : { port };
}

/** Undefined where the user wanted this very port and it can't be had. */
export async function openGatewayPort(
  channel: ChildProcess,
  wish: GatewayPortWish,
): Promise<OpenedPort | { readonly refusal: string }> {
  const outcome = await listenAndPass(channel, { name: wish.listener, port: wish.hostPort });
  if (outcome.kind === "listening") return { port: outcome.listener.port };
  const at = `port ${wish.hostPort} for Service ${wish.namespace}/${wish.service}`;
  const refusal = `${at} can't be had: ${reasonOf(outcome.code)}`;
  if (wish.isExact) return { refusal };
  const other = await openFree(channel, wish.listener);
  return { port: other, notice: `${refusal}; it is ${other}` };
}

/** By which the machine reaches the pods' metrics: any port, for the file of scrape targets tells which. */
export async function openScrapePort(channel: ChildProcess): Promise<void> {
  await openFree(channel, SCRAPE_LISTENER);
}

async function openFree(channel: ChildProcess, name: string): Promise<number> {
  const outcome = await listenAndPass(channel, { name, port: 0 });
  if (outcome.kind === "listening") return outcome.listener.port;
  throw new CommandFailure(exitCodes.environment, `Cannot listen on 127.0.0.1: ${reasonOf(outcome.code)}`);
}

function reasonOf(code: string): string {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: "another program has it",
    EACCES: "this user may not have it",
  };
  return reasons[code] ?? code;
}
