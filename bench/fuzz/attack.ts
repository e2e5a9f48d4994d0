// One attack: what one connection does, step by step, to one server. It expects nothing of the answers.

import { once } from "node:events";
import { connect as connectSocket, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls, TLSSocket } from "node:tls";
import type { AttackedServers } from "./attacked-servers.ts";

export type AttackStep =
  | { readonly kind: "send"; readonly bytes: Uint8Array }
  /** Lets the server have its turn before what follows. */
  | { readonly kind: "wait"; readonly delayMs: number }
  /** From now on nothing is read. */
  | { readonly kind: "stop-reading" }
  /** FIN, as a client that will say no more. */
  | { readonly kind: "end" }
  /** RST, on plain TCP. */
  | { readonly kind: "reset" };

export interface Attack {
  readonly name: string;
  readonly steps: readonly AttackStep[];
}

export const targets = ["plaintext", "tls", "sds"] as const;
export type Target = (typeof targets)[number];

const CONNECT_LIMIT_MS = 10_000;
const DRAIN_LIMIT_MS = 500;

/** Resolves when the connection is closed. */
export async function runAttack({ steps }: Attack, target: Target, servers: AttackedServers): Promise<void> {
  const socket = await open(target, servers);
  if (socket === undefined) return;
  socket.resume();
  for (const step of steps) {
    if (socket.destroyed) break;
    await take(step, socket);
  }
  socket.destroy();
}

async function open(target: Target, servers: AttackedServers): Promise<Socket | undefined> {
  const socket =
    target === "sds"
      ? connectSocket(servers.sdsPath)
      : target === "plaintext"
        ? connectSocket(servers.plaintextPort, "127.0.0.1")
        : connectTls({
            host: "127.0.0.1",
            port: servers.tlsPort,
            ALPNProtocols: ["h2"],
            rejectUnauthorized: false,
          });
  // A server that hangs up is none the worse for it.
  socket.on("error", () => undefined);
  socket.setNoDelay();
  const opened = once(socket, target === "tls" ? "secureConnect" : "connect").then(
    () => true,
    () => false,
  );
  const isOpen = await Promise.race([opened, sleep(CONNECT_LIMIT_MS, false, { ref: false })]);
  if (isOpen) return socket;
  socket.destroy();
  return undefined;
}

async function take(step: AttackStep, socket: Socket): Promise<void> {
  switch (step.kind) {
    case "send":
      // A server that reads no more is waited for a moment only.
      if (!socket.write(step.bytes))
        await Promise.race([once(socket, "drain").catch(() => undefined), sleep(DRAIN_LIMIT_MS)]);
      return;
    case "wait":
      await sleep(step.delayMs);
      return;
    case "stop-reading":
      socket.pause();
      return;
    case "end":
      socket.end();
      await sleep(1);
      return;
    case "reset":
      if (socket instanceof TLSSocket || socket.remoteFamily === undefined) socket.destroy();
      else socket.resetAndDestroy();
      return;
  }
}
