// Asks the machine's resolvers what isn't the mesh's own, passing messages on byte for byte. Holds at most a fixed
// number of questions; never caches.

import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect, isIPv6 } from "node:net";
import type { Clock } from "../../core/clock.ts";
import { readFrames, writeFrame } from "./tcp-frames.ts";

export interface UpstreamResolver {
  /** The answer's bytes, with the query's own id; undefined when no resolver answers, or too many questions are open. */
  ask(query: Buffer, transport: "udp" | "tcp"): Promise<Buffer | undefined>;
}

export interface UpstreamResolverOptions {
  /** Addresses, asked in this order. */
  readonly upstreams: readonly string[];
  readonly clock: Clock;
  readonly port?: number;
  readonly timeoutMs?: number;
  readonly maxOpenQuestions?: number;
}

export function createUpstreamResolver(options: UpstreamResolverOptions): UpstreamResolver {
  const { upstreams, clock, port = 53, timeoutMs = 2_000, maxOpenQuestions = 512 } = options;
  let openCount = 0;
  return {
    async ask(query, transport) {
      if (openCount >= maxOpenQuestions) return undefined;
      openCount += 1;
      try {
        // A lost datagram is asked for once more.
        const attempts = transport === "udp" ? [...upstreams, ...upstreams] : upstreams;
        const askOne = transport === "udp" ? askOverUdp : askOverTcp;
        for (const address of attempts) {
          const answer = await askOne(query, { address, port, timeoutMs, clock });
          if (answer !== undefined) return answer;
        }
        return undefined;
      } finally {
        openCount -= 1;
      }
    },
  };
}

interface Attempt {
  readonly address: string;
  readonly port: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

// A socket for each question: its port and the id are what a forger would have to guess.
function askOverUdp(
  query: Buffer,
  { address, port, timeoutMs, clock }: Attempt,
): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
    const asked = withRandomId(query);
    const end = (answer: Buffer | undefined): void => {
      cancel();
      socket.removeAllListeners();
      // An error that comes while it closes has nobody to tell.
      socket.on("error", () => undefined);
      socket.close();
      resolve(answer);
    };
    const cancel = clock.after(timeoutMs, () => end(undefined));
    socket.once("error", () => end(undefined));
    socket.on("message", (answer) => {
      if (answers(answer, asked)) end(withId(answer, query.readUInt16BE(0)));
    });
    // Connected, so that the kernel drops what comes from anyone else.
    socket.connect(port, address, () => socket.send(asked));
  });
}

function askOverTcp(
  query: Buffer,
  { address, port, timeoutMs, clock }: Attempt,
): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const asked = withRandomId(query);
    const socket = connect({ host: address, port });
    const end = (answer: Buffer | undefined): void => {
      cancel();
      socket.destroy();
      resolve(answer);
    };
    const cancel = clock.after(timeoutMs, () => end(undefined));
    socket.on("error", () => end(undefined));
    socket.once("close", () => end(undefined));
    readFrames(socket, (answer) => {
      if (answers(answer, asked)) end(withId(answer, query.readUInt16BE(0)));
    });
    writeFrame(socket, asked);
  });
}

function withRandomId(message: Buffer): Buffer {
  return withId(message, randomInt(65_536));
}

function withId(message: Buffer, id: number): Buffer {
  const copy = Buffer.from(message);
  copy.writeUInt16BE(id, 0);
  return copy;
}

function answers(answer: Buffer, asked: Buffer): boolean {
  return (
    answer.length >= 12 &&
    answer.readUInt16BE(0) === asked.readUInt16BE(0) &&
    (answer.readUInt8(2) & 0x80) !== 0
  );
}
