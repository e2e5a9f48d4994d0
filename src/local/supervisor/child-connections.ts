// Hands accepted connections to a child process over its IPC channel, so that the child may die and come back
// while the listening socket stays here and no port is ever closed. Who comes while there is no child waits for it, up to
// a bound in number and time. Reads no byte of them.

import type { ChildProcess } from "node:child_process";
import type { EventEmitter } from "node:events";
import type { Server, Socket } from "node:net";
import type { Clock } from "../../core/clock.ts";
import { keepAccepting } from "../../core/listening.ts";
import type { Logger } from "../../core/logger.ts";
import type { PodOwner } from "../../core/stream-identity.ts";

interface ConnectionMessage {
  readonly meltemi: "connection";
  readonly name: string;
  readonly owner?: PodOwner;
}

export interface ConnectionPassing {
  /** There is a receiver: who has waited is passed on. */
  release(): void;
  close(): void;
}

interface PassingOptions {
  readonly name: string;
  /** The pod that alone can reach the server, where that is one: the receiver is told with each connection. */
  readonly owner?: PodOwner;
  /** Asked for each connection; undefined while nobody can take one. */
  readonly receiver: () => ChildProcess | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

const MAX_WAITING = 256;
const MAX_WAIT_MS = 10_000;

export function passConnections(server: Server, options: PassingOptions): ConnectionPassing {
  const { name, owner, receiver, clock, log } = options;
  const message: ConnectionMessage = {
    meltemi: "connection",
    name,
    ...(owner === undefined ? {} : { owner }),
  };
  // A server that came over a channel can't be given options; these are what its own options would set.
  Object.assign(server, { pauseOnConnect: true, allowHalfOpen: true, noDelay: true });
  const waiting = new Map<Socket, () => void>();
  const pass = (socket: Socket): boolean => {
    const child = receiver();
    if (child?.connected !== true) return false;
    // Node would track in both processes whose connection it was, with a listener on the channel for each server.
    Object.assign(socket, { server: undefined });
    child.send(message, socket, { keepOpen: false });
    return true;
  };
  const wait = (socket: Socket) => {
    if (waiting.size >= MAX_WAITING) return void socket.destroy();
    waiting.set(
      socket,
      clock.after(MAX_WAIT_MS, () => socket.destroy()),
    );
    socket.once("close", () => {
      waiting.get(socket)?.();
      waiting.delete(socket);
    });
  };
  const take = (socket: Socket) => {
    socket.on("error", () => socket.destroy());
    if (!pass(socket)) wait(socket);
  };
  server.on("connection", take);
  keepAccepting(server, log);
  return {
    release() {
      for (const [socket, cancel] of waiting) {
        cancel();
        waiting.delete(socket);
        if (!pass(socket)) socket.destroy();
      }
    },
    close() {
      server.off("connection", take);
      server.close();
      for (const socket of waiting.keys()) socket.destroy();
    },
  };
}

/** In the child: calls `onConnection` for each; such as `(socket) => http2Server.emit("connection", socket)`. */
export function receiveConnections(
  channel: EventEmitter,
  onConnection: (socket: Socket, origin: { readonly name: string; readonly owner?: PodOwner }) => void,
): () => void {
  const listener = (message: unknown, handle: unknown) => {
    if (!isConnectionMessage(message) || handle === undefined) return;
    onConnection(handle as Socket, message);
  };
  channel.on("message", listener);
  return () => channel.off("message", listener);
}

function isConnectionMessage(message: unknown): message is ConnectionMessage {
  return (
    typeof message === "object" &&
    message !== null &&
    "meltemi" in message &&
    message.meltemi === "connection" &&
    "name" in message &&
    typeof message.name === "string"
  );
}
