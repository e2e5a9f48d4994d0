// As much of a Redis client as a cart needs: commands in order over one connection, opened when first needed
// and again after it broke. A command that meets a broken connection rejects; nothing is sent twice.

import type { Socket } from "node:net";
import { connect } from "node:net";
import type { RedisReply } from "./redis-protocol.ts";
import { encodeCommand, RedisError, readReply } from "./redis-protocol.ts";

export interface RedisClient {
  /** Rejects with the server's message where the reply is an error. */
  command(...words: string[]): Promise<RedisReply>;
}

interface Waiting {
  readonly resolve: (reply: RedisReply) => void;
  readonly reject: (error: Error) => void;
}

interface Connection {
  readonly socket: Socket;
  /** In the order in which their commands were sent: Redis answers in that order. */
  readonly waiting: Waiting[];
}

const TIMEOUT_MS = 5_000;

/** `address` is `HOST:PORT`. */
export function createRedisClient(address: string): RedisClient {
  let current: Connection | undefined;
  const connection = (): Connection => {
    current ??= open(address, () => {
      current = undefined;
    });
    return current;
  };
  return {
    command: (...words) =>
      new Promise((resolve, reject) => {
        const { socket, waiting } = connection();
        waiting.push({ resolve, reject });
        socket.write(encodeCommand(words));
      }),
  };
}

function open(address: string, onEnd: () => void): Connection {
  const separator = address.lastIndexOf(":");
  const socket = connect(Number(address.slice(separator + 1)), address.slice(0, separator));
  const opened: Connection = { socket, waiting: [] };
  const fail = (error: Error) => {
    onEnd();
    socket.destroy();
    for (const { reject } of opened.waiting.splice(0)) reject(error);
  };
  let received = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    for (let read = readReply(received, 0); read !== undefined; read = readReply(received, 0)) {
      received = received.subarray(read.end);
      const next = opened.waiting.shift();
      if (read.reply instanceof RedisError) next?.reject(read.reply);
      else next?.resolve(read.reply);
    }
  });
  socket.setTimeout(TIMEOUT_MS, () => {
    if (opened.waiting.length > 0)
      fail(new Error(`Cannot reach Redis at ${address}: no answer in ${TIMEOUT_MS} ms`));
  });
  socket.on("error", fail);
  socket.on("close", () => fail(new Error(`Cannot reach Redis at ${address}: the connection was closed`)));
  return opened;
}
