import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { type TestContext, test } from "node:test";
import { decode, encode, type Packet } from "dns-packet";
import { readFrames, writeFrame } from "../../agent/dns/tcp-frames.ts";
import { systemClock } from "../../core/clock.ts";
import { silentLogger } from "../../core/logger.ts";
import { type ClusterDns, type ClusterDnsOptions, startClusterDns } from "./cluster-dns.ts";

async function start(t: TestContext, options: Partial<ClusterDnsOptions> = {}): Promise<ClusterDns> {
  const dns = await startClusterDns({
    address: "127.0.0.1",
    port: 0,
    upstreams: [],
    log: silentLogger,
    clock: systemClock,
    ...options,
  });
  t.after(() => dns.close());
  return dns;
}

function resolverOf({ port }: { readonly port: number }): Resolver {
  const resolver = new Resolver({ timeout: 5_000, tries: 1 });
  resolver.setServers([`127.0.0.1:${port}`]);
  return resolver;
}

/** A resolver of the machine's: answers A with 192.0.2.1, over UDP and TCP; `large.example` is truncated over UDP. */
async function startUpstream(t: TestContext): Promise<number> {
  const answer = (bytes: Buffer, transport: "udp" | "tcp"): Buffer => {
    const query = decode(bytes);
    const isCut = transport === "udp" && query.questions?.[0]?.name === "large.example";
    const name = query.questions?.[0]?.name ?? "";
    const data = transport === "udp" ? "192.0.2.1" : "192.0.2.2";
    const packet: Packet = {
      type: "response",
      flags: isCut ? 0x200 : 0,
      answers: isCut ? [] : [{ type: "A", name, data }],
    };
    if (query.id !== undefined) packet.id = query.id;
    if (query.questions !== undefined) packet.questions = query.questions;
    return encode(packet);
  };
  const socket = createSocket("udp4");
  socket.on("message", (bytes, from) => socket.send(answer(bytes, "udp"), from.port, from.address));
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const server = createServer((connection) => {
    connection.on("error", () => connection.destroy());
    readFrames(connection, (bytes) => writeFrame(connection, answer(bytes, "tcp")));
  });
  server.listen(socket.address().port, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    socket.close();
    server.close();
  });
  return socket.address().port;
}

test("startClusterDns() answers Node's own resolver from the records last set", async (t) => {
  const dns = await start(t, { machineAddress: "10.0.2.2" });
  const resolver = resolverOf(dns);
  const name = "reviews.shop.svc.cluster.local";
  await assert.rejects(resolver.resolve4(name), { code: "ENOTFOUND" });
  dns.setRecords({
    services: [
      {
        kind: "vip",
        namespace: "shop",
        name: "reviews",
        ip: "10.96.0.1",
        ports: [{ name: "http", port: 80, protocol: "TCP" }],
      },
    ],
  });
  assert.deepEqual(await resolver.resolve4(name), ["10.96.0.1"]);
  await assert.rejects(resolver.resolve6(name), { code: "ENODATA" });
  assert.deepEqual(await resolver.resolveSrv(`_http._tcp.${name}`), [
    { name, port: 80, priority: 0, weight: 100 },
  ]);
  assert.deepEqual(await resolver.reverse("10.96.0.1"), [name]);
  assert.deepEqual(await resolver.resolve4("host.meltemi.internal"), ["10.0.2.2"]);
});

test("startClusterDns() answers over TCP what is too large for UDP, and turns addresses round", async (t) => {
  const dns = await start(t);
  const endpoints = Array.from({ length: 200 }, (_, at) => ({
    ip: `10.244.1.${at}`,
    hostname: `redis-${at}`,
  }));
  dns.setRecords({
    services: [{ kind: "headless", namespace: "shop", name: "redis", endpoints, ports: [] }],
  });
  const resolver = resolverOf(dns);
  const first = await resolver.resolve4("redis.shop.svc.cluster.local");
  const second = await resolver.resolve4("redis.shop.svc.cluster.local");
  assert.equal(first.length, 200);
  assert.notEqual(first[0], second[0]);
});

test("startClusterDns() has the machine's resolver answer the rest, and follows external names to it", async (t) => {
  const upstreamPort = await startUpstream(t);
  const dns = await start(t, { upstreams: ["127.0.0.1"], upstreamPort });
  dns.setRecords({ services: [{ kind: "external", namespace: "shop", name: "out", target: "example.com" }] });
  const resolver = resolverOf(dns);
  assert.deepEqual(await resolver.resolve4("example.com"), ["192.0.2.1"]);
  assert.deepEqual(await resolver.resolve4("large.example"), ["192.0.2.2"]);
  assert.deepEqual(await resolver.resolve4("out.shop.svc.cluster.local"), ["192.0.2.1"]);
});

test("startClusterDns() says that it failed where no resolver answers", async (t) => {
  const dns = await start(t);
  await assert.rejects(resolverOf(dns).resolve4("example.com"), { code: "ESERVFAIL" });
});

test("startClusterDns() stays up whatever comes, and answers on", async (t) => {
  const dns = await start(t);
  const socket = createSocket("udp4");
  t.after(() => socket.close());
  for (let length = 0; length < 300; length += 1) {
    const noise = Buffer.from(Array.from({ length }, (_, at) => (at * 37 + length * 11) & 255));
    await new Promise((resolve) => socket.send(noise, dns.port, "127.0.0.1", resolve));
  }
  const connection = connect(dns.port, "127.0.0.1");
  connection.on("error", () => connection.destroy());
  await once(connection, "connect");
  connection.end(Buffer.from([0, 3, 1, 2, 3, 0xff, 0xff, 1]));
  await assert.rejects(resolverOf(dns).resolve4("absent.cluster.local"), { code: "ENOTFOUND" });
});
