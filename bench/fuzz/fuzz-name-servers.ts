// Hostile DNS, over UDP and TCP, against the name servers of a pod's agent and of a mesh on one machine; a good question in
// between must be answered. Any fault in them ends this process.

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { startAgentDns } from "../../src/agent/dns/agent-dns.ts";
import { systemClock } from "../../src/core/clock.ts";
import type { Logger } from "../../src/core/logger.ts";
import { startClusterDns } from "../../src/local/dns/cluster-dns.ts";
import { createSeededRandom, type SeededRandom } from "./seeded-random.ts";

export interface NameServerFigures {
  readonly packetCount: number;
  readonly connectionCount: number;
  readonly answeredCount: number;
  readonly p99Ms: number;
  /** Events that were logged as errors. */
  readonly errors: readonly string[];
}

const NAME = "many.example.com";
const ADDRESS = "10.1.0.7";
const ANSWER_LIMIT_MS = 5_000;
/** As many as the buffer of a socket holds; what it drops attacks nobody. */
const BURST = 40;

/** Rejects when a good question isn't answered. */
export async function fuzzNameServers({
  seed,
  durationMs,
}: {
  readonly seed: number;
  readonly durationMs: number;
}): Promise<NameServerFigures> {
  const errors: string[] = [];
  const drop = () => undefined;
  const log: Logger = { debug: drop, info: drop, warn: drop, error: (_, event) => void errors.push(event) };
  const servers = await startServers(log);
  const random = createSeededRandom(seed);
  const counts = { packetCount: 0, connectionCount: 0 };
  const latencies: number[] = [];
  const endsMs = performance.now() + durationMs;
  const udp = createSocket("udp4").on("error", drop);
  try {
    while (performance.now() < endsMs) {
      for (const { port } of servers) {
        for (let at = 0; at < BURST; at++) udp.send(hostilePacket(random), port, "127.0.0.1");
        counts.packetCount += BURST;
        await Promise.all([attackOverTcp(port, random), attackOverTcp(port, random)]);
        counts.connectionCount += 2;
        latencies.push(await askWell(port));
      }
    }
  } finally {
    udp.close();
    for (const server of servers) await server.close();
  }
  const sorted = latencies.toSorted((one, other) => one - other);
  const p99Ms = Math.round(sorted[Math.floor(sorted.length * 0.99)] ?? 0);
  return { ...counts, answeredCount: latencies.length, p99Ms, errors };
}

async function startServers(log: Logger) {
  const common = { port: 0, clock: systemClock, log };
  const agent = await startAgentDns({
    ...common,
    addresses: ["127.0.0.1"],
    resolver: { servers: [], searchDomains: ["shop.svc.cluster.local"] },
  });
  agent.setTable(new Map([[NAME, { ipv4: [ADDRESS], ipv6: [] }]]));
  const cluster = await startClusterDns({ ...common, address: "127.0.0.1", upstreams: [] });
  cluster.setRecords({ services: [], hosts: [{ name: NAME, addresses: [ADDRESS] }] });
  return [agent, cluster];
}

/** A question for the name, with the id as its first two bytes. */
function goodQuery(id: number): Buffer {
  const labels = NAME.split(".").map((label) =>
    Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]),
  );
  const head = Buffer.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([head, ...labels, Buffer.from([0, 0, 1, 0, 1])]);
}

const hostilePackets: readonly [(random: SeededRandom) => Buffer, ...((random: SeededRandom) => Buffer)[]] = [
  (random) => random.bytes(random.below(600)),
  // A good one, of which some bytes were changed or cut off.
  (random) => {
    const bytes = goodQuery(random.below(65_536));
    for (let at = random.below(6); at >= 0; at--) bytes[random.below(bytes.length)] = random.below(256);
    return bytes.subarray(0, random.oneIn(3) ? random.below(bytes.length) : bytes.length);
  },
  // A name that points to itself, to the header, or past the end.
  (random) => {
    const pointer = random.pick([12, 0, 13, 4_000, 16_383]);
    return Buffer.concat([
      goodQuery(random.below(65_536)).subarray(0, 12),
      Buffer.from([0xc0 | (pointer >> 8), pointer & 255, 0, 1, 0, 1]),
    ]);
  },
  // Counts that promise more than there is.
  (random) => {
    const bytes = goodQuery(random.below(65_536));
    for (const at of [4, 6, 8, 10]) if (random.oneIn(2)) bytes.writeUInt16BE(random.below(65_536), at);
    return bytes;
  },
  // Many questions, each by a pointer to the first.
  (random) => {
    const bytes = goodQuery(random.below(65_536));
    const count = random.below(4_000);
    bytes.writeUInt16BE(count + 1, 4);
    const again = Array.from({ length: count }, () => Buffer.from([0xc0, 12, 0, 1, 0, 1]));
    return Buffer.concat([bytes, ...again]);
  },
  // A name of many labels, of the longest, of bytes that no name has, or of one that never ends.
  (random) => {
    const label = random.pick([
      Buffer.from([1, 0x61]),
      Buffer.concat([Buffer.from([63]), Buffer.alloc(63, random.below(256))]),
      Buffer.from([0x40, 0x41]),
    ]);
    const labels = Array.from({ length: random.below(900) }, () => label);
    const end = random.oneIn(3) ? Buffer.alloc(0) : Buffer.from([0, 0, 1, 0, 1]);
    return Buffer.concat([goodQuery(1).subarray(0, 12), ...labels, end]);
  },
];

function hostilePacket(random: SeededRandom): Buffer {
  return random.pick(hostilePackets)(random);
}

/** Frames of wrong lengths, huge ones that never come, many at once, and ends in the middle. */
async function attackOverTcp(port: number, random: SeededRandom): Promise<void> {
  const socket = connect(port, "127.0.0.1").on("error", () => undefined);
  await Promise.race([once(socket, "connect").catch(() => undefined), sleep(ANSWER_LIMIT_MS)]);
  if (!random.oneIn(3)) socket.resume();
  for (let count = random.below(30); count >= 0 && !socket.destroyed; count--) {
    const packet = hostilePacket(random);
    const length = random.oneIn(3) ? random.pick([0, 1, 0xffff, packet.length + 1]) : packet.length;
    socket.write(Buffer.concat([Buffer.from([(length >> 8) & 255, length & 255]), packet]));
    if (random.oneIn(8)) await sleep(1);
  }
  if (random.oneIn(2)) {
    socket.end();
    await sleep(1);
    socket.destroy();
  } else socket.resetAndDestroy();
}

/** Resolves with how long the right answer took. */
async function askWell(port: number): Promise<number> {
  const startMs = performance.now();
  const socket = createSocket("udp4");
  const id = 40_007;
  try {
    const answered = new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.on("message", (bytes) => {
        if (bytes.readUInt16BE(0) === id && bytes.includes(Buffer.from([10, 1, 0, 7]))) resolve();
      });
    });
    socket.send(goodQuery(id), port, "127.0.0.1");
    // A burst may have filled the server's buffer: a resolver asks again.
    const again = setInterval(() => socket.send(goodQuery(id), port, "127.0.0.1"), 250);
    const late = sleep(ANSWER_LIMIT_MS, "late", { ref: false });
    const outcome = await Promise.race([answered, late]);
    clearInterval(again);
    if (outcome === "late") throw new Error(`A good question wasn't answered within ${ANSWER_LIMIT_MS} ms`);
    return performance.now() - startMs;
  } finally {
    socket.close();
  }
}
