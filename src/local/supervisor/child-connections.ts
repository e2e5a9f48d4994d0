// Hands accepted connections to a child process over its IPC channel, so that the child may die and come back
// while the listening socket stays here and no port is ever closed. Who comes while there is no child waits for it, up to
// a bound in number and time. Reads no byte of them.

import type { ChildProcess } from "node:child_process";
import type { EventEmitter } from "node:events";
import type { Server, Socket } from "node:net";
import type { Clock } from "../../core/clock.ts";

interface ConnectionMessage {
  readonly meltemi: "connection";
  readonly name: string;
}

export interface ConnectionPassing {
  /** There is a receiver: who has waited is passed on. */
  release(): void;
  close(): void;
}

interface PassingOptions {
  readonly name: string;
  /** Asked for each connection; undefined while nobody can take one. */
  readonly receiver: () => ChildProcess | undefined;
  readonly clock: Clock;
}

const MAX_WAITING = 256;
const MAX_WAIT_MS = 10_000;

export function passConnections(server: Server, options: PassingOptions): ConnectionPassing {
  const { name, receiver, clock } = options;
  // A server that came over a channel can't be given options; these are what its own options would set.
  Object.assign(server, { pauseOnConnect: true, allowHalfOpen: true, noDelay: true });
  const waiting = new Map<Socket, () => void>();
  const pass = (socket: Socket): boolean => {
    const child = receiver();
    if (child?.connected !== true) return false;
    child.send({ meltemi: "connection", name } satisfies ConnectionMessage, socket, { keepOpen: false });
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

/** In the child: calls `onConnection` for each; such as `(name, socket) => http2Server.emit("connection", socket)`. */
export function receiveConnections(
  channel: EventEmitter,
  onConnection: (name: string, socket: Socket) => void,
): () => void {
  const listener = (message: unknown, handle: unknown) => {
    if (!isConnectionMessage(message) || handle === undefined) return;
    onConnection(message.name, handle as Socket);
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
