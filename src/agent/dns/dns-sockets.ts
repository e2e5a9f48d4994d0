// Answers DNS on sockets that listen already, over UDP and TCP. Whatever comes in, it stays up and bounded.

import type { Socket as DatagramSocket, RemoteInfo } from "node:dgram";
import type { Server, Socket } from "node:net";
import { readFrames, writeFrame } from "./tcp-frames.ts";

/** Undefined where there is nothing to say. Never rejects. */
export type AnswerBytes = (bytes: Buffer, transport: "udp" | "tcp") => Promise<Buffer | undefined>;

const MAX_TCP_CONNECTIONS = 256;
const TCP_IDLE_MS = 10_000;

export function serveUdp(socket: DatagramSocket, answer: AnswerBytes): void {
  socket.on("message", (bytes: Buffer, from: RemoteInfo) => {
    void answer(bytes, "udp").then((reply) => {
      if (reply !== undefined) send(socket, reply, from);
    });
  });
  // A pod that is gone makes the kernel report what couldn't be delivered to it.
  socket.on("error", () => undefined);
}

function send(socket: DatagramSocket, reply: Buffer, to: RemoteInfo): void {
  try {
    socket.send(reply, to.port, to.address, () => undefined);
  } catch {
    // The server was closed while the answer was made.
  }
}

/** Returns what ends it. */
export function serveTcp(server: Server, answer: AnswerBytes): () => Promise<void> {
  const connections = new Set<Socket>();
  server.maxConnections = MAX_TCP_CONNECTIONS;
  server.on("connection", (socket: Socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
    serveConnection(socket, answer);
  });
  return () => {
    for (const socket of connections) socket.destroy();
    return new Promise((resolve) => {
      server.close(() => resolve());
    });
  };
}

// One question at a time: while it is answered the socket isn't read, so that nothing piles up.
function serveConnection(socket: Socket, answer: AnswerBytes): void {
  let last = Promise.resolve();
  socket.setTimeout(TCP_IDLE_MS, () => socket.destroy());
  socket.on("error", () => socket.destroy());
  readFrames(socket, (message) => {
    socket.pause();
    last = last.then(async () => {
      const reply = await answer(message, "tcp");
      if (reply !== undefined && socket.writable) writeFrame(socket, reply);
      socket.resume();
    });
  });
}
