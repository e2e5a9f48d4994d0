// Sockets that listen on the machine's loopback, handed to a process in the mesh over its IPC channel: a socket
// keeps serving the namespace that it was bound in. Listens on loopback only.

import type { ChildProcess } from "node:child_process";
import type { Server, Socket } from "node:net";
import { createServer } from "node:net";

export interface PassedListener {
  readonly name: string;
  /** The port that it has got, also where 0 was asked for. */
  readonly port: number;
}

export type ListenOutcome =
  | { readonly kind: "listening"; readonly listener: PassedListener }
  /** The port is taken, or this user may not have it: `code` is the system's, such as EADDRINUSE. */
  | { readonly kind: "refused"; readonly code: string };

interface ListenerMessage {
  readonly meltemi: "listener" | "connection";
  readonly name: string;
}

/** Listens on 127.0.0.1 and gives the listening socket to `channel` under `name`; port 0 takes a free one. */
export async function listenAndPass(
  channel: ChildProcess,
  { name, port }: { readonly name: string; readonly port: number },
): Promise<ListenOutcome> {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
  const refusal = await listenOnLoopback(server, port);
  if (refusal !== undefined) return { kind: "refused", code: refusal };
  const address = server.address();
  const boundPort = typeof address === "object" && address !== null ? address.port : port;
  // Until the other side has it, this side accepts too: such a connection is passed on, unread.
  server.on("connection", (socket) => {
    channel.send({ meltemi: "connection", name } satisfies ListenerMessage, socket, { keepOpen: false });
  });
  await new Promise<void>((resolve, reject) => {
    channel.send({ meltemi: "listener", name } satisfies ListenerMessage, server, (cause) => {
      if (cause === null) resolve();
      else reject(new Error(`Cannot pass listener ${name} to the supervisor`, { cause }));
    });
  }).finally(() => server.close());
  return { kind: "listening", listener: { name, port: boundPort } };
}

/** Calls `onServer` for each listener that the front passes; returns the function that stops listening for them. */
export function receiveListeners(
  channel: NodeJS.EventEmitter,
  onServer: (name: string, server: Server) => void,
): () => void {
  const servers = new Map<string, Server>();
  const early = new Map<string, Socket[]>();
  const listener = (message: unknown, handle: unknown): void => {
    if (!isListenerMessage(message)) return;
    if (message.meltemi === "connection") {
      const server = servers.get(message.name);
      const socket = handle as Socket | undefined;
      if (socket === undefined) return;
      if (server !== undefined) server.emit("connection", socket);
      else early.set(message.name, [...(early.get(message.name) ?? []), socket]);
      return;
    }
    const server = handle as Server;
    servers.set(message.name, server);
    holdUntilTaken(server);
    for (const socket of early.get(message.name) ?? []) server.emit("connection", socket);
    early.delete(message.name);
    onServer(message.name, server);
  };
  channel.on("message", listener);
  return () => channel.off("message", listener);
}

const MAX_HELD = 256;

/**
 * A server that came over a channel accepts at once. What comes before anybody listens for connections would be accepted
 * and seen by nobody: it is held, unread, for the first who does.
 */
function holdUntilTaken(server: Server): void {
  Object.assign(server, { pauseOnConnect: true, allowHalfOpen: true });
  const held: Socket[] = [];
  const hold = (socket: Socket): void => {
    socket.on("error", () => socket.destroy());
    if (held.length < MAX_HELD) held.push(socket);
    else socket.destroy();
  };
  server.on("connection", hold);
  server.on("newListener", function onListener(event: string, added: unknown) {
    if (event !== "connection" || added === hold) return;
    server.off("newListener", onListener);
    server.off("connection", hold);
    // The listener is there by then.
    queueMicrotask(() => {
      for (const socket of held) server.emit("connection", socket);
    });
  });
}

function listenOnLoopback(server: Server, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    // Once it listens, a connection that can't be accepted is the next one's chance.
    server.on("error", (cause: NodeJS.ErrnoException) => resolve(cause.code ?? cause.message));
    server.listen({ host: "127.0.0.1", port, backlog: 511 }, () => resolve(undefined));
  });
}

function isListenerMessage(message: unknown): message is ListenerMessage {
  return (
    typeof message === "object" &&
    message !== null &&
    "meltemi" in message &&
    (message.meltemi === "listener" || message.meltemi === "connection") &&
    "name" in message &&
    typeof message.name === "string"
  );
}
