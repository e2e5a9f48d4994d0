// What the supervisor tells, turned into events for the user; opens the ports that gateways want.

import type { ChildProcess } from "node:child_process";
import type { MeshEvent } from "../cli/local-mesh.ts";
import { assertNever } from "../core/assert-never.ts";
import type { GatewayPortWish, SupervisorMessage } from "../local/supervisor/front-protocol.ts";
import { openGatewayPort } from "./machine-ports.ts";
import type { ProblemLedger } from "./problem-ledger.ts";

export interface MeshHearing {
  readonly started: Promise<void>;
  readonly stopped: Promise<void>;
}

interface HearingOptions {
  readonly onEvent: (event: MeshEvent) => void;
  readonly ledger: ProblemLedger;
}

export function hearSupervisor(channel: ChildProcess, { onEvent, ledger }: HearingOptions): MeshHearing {
  const gateways = gatewayPorts(channel, onEvent);
  let hasBeenReady = false;
  let lastProgress = "";
  const hear = (message: SupervisorMessage, on: { started: () => void; stopped: () => void }) => {
    switch (message.kind) {
      case "started":
        return on.started();
      case "stopped":
        return on.stopped();
      case "problems":
        return ledger.update("supervisor", message.problems);
      case "output":
        return onEvent(message);
      case "gatewayPorts":
        return gateways.open(message.wishes);
      case "notice":
        return onEvent(message);
      case "progress": {
        if (hasBeenReady) return;
        hasBeenReady = message.isReady;
        const text = `${message.readyPodCount} of ${message.podCount} pods are ready`;
        if (text !== lastProgress && !message.isReady) onEvent({ kind: "progress", text });
        lastProgress = text;
        // The address of a gateway stands above the line that says all is ready.
        if (message.isReady) {
          void gateways.settled().then(() => onEvent({ kind: "ready", podCount: message.podCount }));
        }
        return;
      }
      default:
        return assertNever(message);
    }
  };
  let resolveStarted: (() => void) | undefined;
  let resolveStopped: (() => void) | undefined;
  const started = new Promise<void>((resolve) => {
    resolveStarted = resolve;
  });
  const stopped = new Promise<void>((resolve) => {
    resolveStopped = resolve;
  });
  channel.on("message", (message) => {
    if (!isSupervisorMessage(message)) return;
    hear(message, { started: () => resolveStarted?.(), stopped: () => resolveStopped?.() });
  });
  return { started, stopped };
}

function gatewayPorts(channel: ChildProcess, onEvent: (event: MeshEvent) => void) {
  const opened = new Map<string, GatewayPortWish>();
  const portByListener = new Map<string, number>();
  let work: Promise<void> = Promise.resolve();
  const openOne = async (wish: GatewayPortWish) => {
    const current = portByListener.get(wish.listener);
    const outcome = await openGatewayPort(channel, wish);
    if ("refusal" in outcome) {
      const stays = current === undefined ? "" : `; it stays at ${urlOf(wish, current)}`;
      return onEvent({ kind: "notice", text: `${outcome.refusal}${stays}` });
    }
    portByListener.set(wish.listener, outcome.port);
    if (outcome.notice !== undefined) onEvent({ kind: "notice", text: outcome.notice });
    if (!channel.connected) return;
    channel.send({ kind: "gatewayPort", listener: wish.listener, hostPort: outcome.port });
    onEvent({ kind: "gateway", name: wish.service, port: wish.port, url: urlOf(wish, outcome.port) });
  };
  return {
    /** One after another, so that ports are taken in the order of the wishes. */
    open(wishes: readonly GatewayPortWish[]): void {
      for (const wish of wishes) {
        const before = opened.get(wish.listener);
        opened.set(wish.listener, wish);
        if (before !== undefined && !isMoved(before, wish, portByListener.get(wish.listener))) continue;
        work = work
          .then(() => openOne(wish))
          .catch((cause: unknown) => {
            onEvent({
              kind: "notice",
              text: `port of gateway ${wish.service} can't be opened: ${String(cause)}`,
            });
          });
      }
      const wanted = new Set(wishes.map(({ listener }) => listener));
      for (const listener of opened.keys()) {
        if (wanted.has(listener)) continue;
        opened.delete(listener);
        portByListener.delete(listener);
      }
    },
    settled: () => work,
  };
}

/** The user asked for another port, or no longer for this one. A port that was chosen for him stays as it is. */
function isMoved(before: GatewayPortWish, wish: GatewayPortWish, current: number | undefined): boolean {
  const isAskedFor = before.isExact || wish.isExact;
  return isAskedFor && wish.hostPort !== before.hostPort && wish.hostPort !== current;
}

function urlOf({ protocol }: GatewayPortWish, port: number): string {
  return protocol === "tcp" ? `localhost:${port}` : `${protocol}://localhost:${port}`;
}

function isSupervisorMessage(message: unknown): message is SupervisorMessage {
  return typeof message === "object" && message !== null && "kind" in message && !("meltemi" in message);
}
