// What the supervisor tells, turned into events for the user; opens the ports that gateways want.

import type { ChildProcess } from "node:child_process";
import type { MeshEvent } from "../cli/local-mesh.ts";
import { assertNever } from "../core/assert-never.ts";
import type { GatewayPortWish, SupervisorMessage } from "../local/supervisor/front-protocol.ts";
import { openGatewayPort } from "./machine-ports.ts";
import type { ProblemLedger } from "./problem-ledger.ts";

export interface MeshHearing {
  /** The supervisor takes objects. */
  readonly started: Promise<void>;
  /** The control plane takes connections. */
  readonly serving: Promise<void>;
  /** Why the mesh will never be ready; never settles once it has been. */
  readonly failed: Promise<string>;
  readonly stopped: Promise<void>;
}

interface HearingOptions {
  readonly onEvent: (event: MeshEvent) => void;
  readonly ledger: ProblemLedger;
}

export function hearSupervisor(channel: ChildProcess, { onEvent, ledger }: HearingOptions): MeshHearing {
  const gateways = gatewayPorts(channel, onEvent);
  // All pods are ready; the mesh is once the control plane serves as well.
  let isComplete = false;
  let hasBeenReady = false;
  let lastProgress = "";
  const [started, serving, stopped] = [deferred<void>(), deferred<void>(), deferred<void>()];
  const failed = deferred<string>();
  // Whoever reads "ready" may connect to the control plane, and to the gateways whose addresses are above it.
  const tellReady = async (podCount: number) => {
    await Promise.all([serving.promise, gateways.settled()]);
    hasBeenReady = true;
    onEvent({ kind: "ready", podCount });
  };
  const hear = (message: SupervisorMessage) => {
    switch (message.kind) {
      case "started":
        return started.resolve();
      case "serving":
        return serving.resolve();
      case "stopped":
        return stopped.resolve();
      case "failed":
        if (!hasBeenReady) failed.resolve(message.sentence);
        return;
      case "problems":
        return ledger.update("supervisor", message.problems);
      case "output":
        return onEvent(message);
      case "gatewayPorts":
        return gateways.open(message.wishes);
      case "notice":
        return onEvent(message);
      case "progress": {
        if (isComplete) return;
        isComplete = message.isReady;
        const text = `${message.readyPodCount} of ${message.podCount} pods are ready`;
        if (text !== lastProgress && !message.isReady) onEvent({ kind: "progress", text });
        lastProgress = text;
        if (isComplete) void tellReady(message.podCount);
        return;
      }
      default:
        return assertNever(message);
    }
  };
  channel.on("message", (message) => {
    if (isSupervisorMessage(message)) hear(message);
  });
  return {
    started: started.promise,
    serving: serving.promise,
    failed: failed.promise,
    stopped: stopped.promise,
  };
}

function deferred<T>(): { readonly promise: Promise<T>; resolve(value: T): void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve: (value) => resolve(value) };
}

function gatewayPorts(channel: ChildProcess, onEvent: (event: MeshEvent) => void) {
  const opened = new Set<string>();
  let work: Promise<void> = Promise.resolve();
  const openOne = async (wish: GatewayPortWish) => {
    const outcome = await openGatewayPort(channel, wish);
    if ("refusal" in outcome) return onEvent({ kind: "notice", text: outcome.refusal });
    if (outcome.notice !== undefined) onEvent({ kind: "notice", text: outcome.notice });
    if (!channel.connected) return;
    channel.send({ kind: "gatewayPort", listener: wish.listener, hostPort: outcome.port });
    onEvent({ kind: "gateway", name: wish.service, port: wish.port, url: urlOf(wish, outcome.port) });
  };
  return {
    /** One after another, so that ports are taken in the order of the wishes. */
    open(wishes: readonly GatewayPortWish[]): void {
      for (const wish of wishes) {
        if (opened.has(wish.listener)) continue;
        opened.add(wish.listener);
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
      for (const listener of opened) if (!wanted.has(listener)) opened.delete(listener);
    },
    settled: () => work,
  };
}

function urlOf({ protocol }: GatewayPortWish, port: number): string {
  return protocol === "tcp" ? `localhost:${port}` : `${protocol}://localhost:${port}`;
}

function isSupervisorMessage(message: unknown): message is SupervisorMessage {
  return typeof message === "object" && message !== null && "kind" in message && !("meltemi" in message);
}
