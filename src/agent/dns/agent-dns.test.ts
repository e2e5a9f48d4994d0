import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { decode, encode, streamDecode, streamEncode } from "dns-packet";
import fastCheck from "fast-check";
import { systemClock } from "../../core/clock.ts";
import { silentLogger } from "../../core/logger.ts";
import { startAgentDns } from "./agent-dns.ts";

const host = "many.example.com";
const addresses = Array.from({ length: 100 }, (_, at) => `10.1.0.${at}`);
const query = {
  type: "query" as const,
  id: 40_007,
  flags: 0x100,
  questions: [{ type: "A" as const, name: host }],
};
const DEADLINE_MS = 10_000;

async function start(t: TestContext): Promise<number> {
  const resolver = { servers: [], searchDomains: [] };
  const options = { addresses: ["127.0.0.1"], port: 0, resolver, clock: systemClock, log: silentLogger };
  const dns = await startAgentDns(options);
  t.after(() => dns.close());
  dns.setTable(new Map([[host, { ipv4: addresses, ipv6: [] }]]));
  return dns.port;
}

async function askOverTcp(port: number) {
  const socket = connect(port, "127.0.0.1");
  socket.write(streamEncode(query));
  const chunks: Buffer[] = [];
  for await (const chunk of socket) {
    chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    if (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) return streamDecode(bytes);
  }
  throw new Error("the server closed the connection");
}

// Few enough for the buffer of a socket.
const garbage = fastCheck
  .sample(fastCheck.uint8Array({ maxLength: 600 }), { numRuns: 60, seed: 1 })
  .map((bytes) => Buffer.from(bytes));

test("startAgentDns() truncates over UDP, and answers whole over TCP, after any garbage", async (t) => {
  const port = await start(t);
  const udp = createSocket("udp4");
  t.after(() => udp.close());
  const truncated = new Promise<Buffer>((resolve, reject) => {
    AbortSignal.timeout(DEADLINE_MS).onabort = () => reject(new Error("no answer"));
    // What could be read of the garbage is answered too.
    udp.on("message", (bytes) => bytes.length > 12 && bytes.readUInt16BE(0) === query.id && resolve(bytes));
  });
  for (const bytes of garbage) udp.send(bytes, port, "127.0.0.1");
  udp.send(encode(query), port, "127.0.0.1");
  const { flag_tc, answers } = decode(await truncated);
  assert.deepEqual([flag_tc, answers], [true, []]);
  assert.equal((await askOverTcp(port)).answers?.length, 100);
});

test("startAgentDns() goes on after garbage over TCP", async (t) => {
  const port = await start(t);
  const socket = connect(port, "127.0.0.1");
  const closed = once(socket, "close");
  socket.on("error", () => undefined);
  socket.resume();
  // Frames of every length, one that never ends among them.
  socket.end(Buffer.concat([Buffer.alloc(64), ...garbage, Buffer.from([0xff, 0xff, 1])]));
  assert.equal((await askOverTcp(port)).answers?.length, 100);
  socket.destroy();
  await closed;
});
