// Hands accepted connections to a child process over its IPC channel, so that the child may die and come back
// while the listening socket stays here and no port is ever closed. Reads no byte of them.

import type { ChildProcess } from "node:child_process";
import type { EventEmitter } from "node:events";
import type { Server, Socket } from "node:net";

interface ConnectionMessage {
  readonly meltemi: "connection";
  readonly name: string;
}

/** `child` is asked for each connection; while there is none, connections are closed at once. */
export function passConnections(
  server: Server,
  { name, child }: { readonly name: string; readonly child: () => ChildProcess | undefined },
): () => void {
  // A server that came over a channel can't be given options; these are what its own options would set.
  Object.assign(server, { pauseOnConnect: true, allowHalfOpen: true, noDelay: true });
  const pass = (socket: Socket) => {
    const receiver = child();
    if (receiver?.connected !== true) {
      socket.destroy();
      return;
    }
    socket.on("error", () => socket.destroy());
    receiver.send({ meltemi: "connection", name } satisfies ConnectionMessage, socket, { keepOpen: false });
  };
  server.on("connection", pass);
  return () => {
    server.off("connection", pass);
    server.close();
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
