// Who holds connections open doesn't keep proxies out, and costs a bounded number of connections.

import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { GrpcClient } from "../../src/grpc/client.ts";
import type { GrpcMethod } from "../../src/grpc/method.ts";
import { GrpcServer } from "../../src/grpc/server.ts";
import { createTestRoot } from "../support/certificates.ts";
import { holdConnections } from "../support/held-connections.ts";
import { connectionPreface, grpcHeaders, headersFrame, settingsFrame } from "../support/raw-http2.ts";

const echo: GrpcMethod = { kind: "unary", path: "/test.Echo/Unary", handle: async (request) => [request] };
const silent: GrpcMethod = {
  kind: "bidi",
  path: "/test.Echo/Stream",
  open: () => ({ message: () => undefined }),
};
const unfinished = Buffer.concat([
  connectionPreface,
  settingsFrame(),
  headersFrame(1, grpcHeaders("/test.Echo/Stream")),
]);

test("GrpcServer serves clients while thousands of connections are held, and holds a bounded number", async (t) => {
  const root = await createTestRoot("mesh");
  const server = new GrpcServer({
    clock: systemClock,
    log: silentLogger,
    random: Math.random,
    connections: { maxConnections: 600, maxUnproven: 500, maxPerAddress: 300 },
  });
  t.after(() => server.close());
  const listener = await server.listen(
    { kind: "tcp", host: "127.0.0.1", port: 0 },
    { methods: [echo, silent], tls: { ...(await root.issue()), clientRoots: root.certificate } },
  );
  const port = listener.port ?? 0;
  const connect = async (isKnown: boolean) => {
    const identity = isKnown ? await root.issue("spiffe://cluster.local/ns/a/sa/b") : {};
    const tls = { serverRoots: root.certificate, serverName: "localhost", ...identity };
    const target = { kind: "tcp", host: "127.0.0.1", port, tls } as const;
    const client = new GrpcClient(target, { clock: systemClock, connectTimeoutMs: 20_000 });
    t.after(() => client.close());
    return client;
  };
  const ask = async (client: GrpcClient) =>
    Buffer.from(await client.unary(echo.path, Buffer.from("hi"), { timeoutMs: 20_000 })).toString();
  const early = await connect(true);
  assert.equal(await ask(early), "hi");
  await holdConnections(t, { port, count: 1_500, from: "one address" });
  await holdConnections(t, { port, count: 1_500, from: "many addresses" });
  for (const bytes of [Buffer.alloc(0), connectionPreface, unfinished])
    await holdConnections(t, { port, count: 40, from: "many addresses", tls: { alpn: "h2", bytes } });
  assert.ok(server.admittedCount <= 600, `${server.admittedCount}`);
  assert.equal(await ask(early), "hi");
  for (const isKnown of [true, false, true, false]) assert.equal(await ask(await connect(isKnown)), "hi");
  assert.equal(await ask(early), "hi");
  assert.ok(server.admittedCount <= 600, `${server.admittedCount}`);
});

test("GrpcServer closes a connection over TLS that has been answered nothing in its time", async (t) => {
  const root = await createTestRoot("mesh");
  const server = new GrpcServer({
    clock: systemClock,
    log: silentLogger,
    random: Math.random,
    connections: { proofTimeoutMs: 500 },
  });
  t.after(() => server.close());
  const tls = { ...(await root.issue()), clientRoots: root.certificate };
  const endpoint = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
  const { port = 0 } = await server.listen(endpoint, { methods: [echo, silent], tls });
  const [held] = await holdConnections(t, {
    port,
    count: 1,
    from: "one address",
    tls: { alpn: "h2", bytes: unfinished },
  });
  if (held?.destroyed === false) await new Promise((resolve) => held.once("close", resolve));
  assert.equal(server.admittedCount, 0);
});
