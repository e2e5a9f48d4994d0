import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { connect } from "node:http2";
import { connect as connectSocket, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import grpcJs from "@grpc/grpc-js";
import { createTestRoot } from "../../tests/support/certificates.ts";
import { ManualClock, systemClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import { GrpcClient } from "./client.ts";
import type { BidiCall, GrpcMethod } from "./method.ts";
import { unaryMethod } from "./method.ts";
import type { GrpcServerOptions } from "./server.ts";
import { GrpcServer } from "./server.ts";
import { GrpcError } from "./status.ts";

const identity = (bytes: Buffer) => bytes;
const codec = (path: string) => ({
  path,
  decode: (bytes: Uint8Array) => Buffer.from(bytes),
  encode: identity,
});

const echo = unaryMethod(codec("/test.Echo/Unary"), async (request, call) => {
  if (request.toString() === "refuse") throw new GrpcError("PERMISSION_DENIED", "No, ärger");
  if (request.toString() === "crash") throw new Error("internal detail");
  if (request.toString() === "hang")
    await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
  return request.toString() === "who"
    ? Buffer.from(call.peer.certificate?.subjectaltname ?? "nobody")
    : request;
});

const echoStream: GrpcMethod = {
  kind: "bidi",
  path: "/test.Echo/Stream",
  open(call) {
    if (call.metadata("refuse") === "yes") throw new GrpcError("UNAUTHENTICATED", "No token");
    return { message: (bytes) => void call.write([Buffer.from("re:"), Buffer.from(bytes)]) };
  },
};

function createGrpcServer(t: TestContext, options: Partial<GrpcServerOptions> = {}) {
  const server = new GrpcServer({ clock: systemClock, log: silentLogger, random: () => 0.5, ...options });
  t.after(() => server.close());
  return server;
}

async function listen(
  t: TestContext,
  methods: readonly GrpcMethod[],
  options: Partial<GrpcServerOptions> = {},
) {
  const server = createGrpcServer(t, options);
  const { port } = await server.listen({ kind: "tcp", host: "127.0.0.1", port: 0 }, { methods });
  const client = new grpcJs.Client(`127.0.0.1:${port}`, grpcJs.credentials.createInsecure(), {
    "grpc.max_receive_message_length": -1,
  });
  t.after(() => client.close());
  return { server, client, port: port ?? 0 };
}

function unary(client: grpcJs.Client, request: string | Buffer, options: grpcJs.CallOptions = {}) {
  return new Promise<Buffer>((resolve, reject) => {
    const metadata = new grpcJs.Metadata();
    client.makeUnaryRequest(
      "/test.Echo/Unary",
      identity,
      identity,
      Buffer.from(request),
      metadata,
      options,
      (error, reply) => (error === null ? resolve(reply ?? Buffer.alloc(0)) : reject(error)),
    );
  });
}

test("GrpcServer answers grpc-js's unary calls, small and large", async (t) => {
  const { client } = await listen(t, [echo]);
  assert.equal((await unary(client, "hello")).toString(), "hello");
  assert.equal((await unary(client, Buffer.alloc(3_000_000, 7))).length, 3_000_000);
  assert.equal((await unary(client, "")).length, 0);
});

const refusals: readonly (readonly [string, grpcJs.status, RegExp])[] = [
  ["refuse", grpcJs.status.PERMISSION_DENIED, /No, ärger/],
  ["crash", grpcJs.status.INTERNAL, /The method failed/],
];
for (const [request, code, details] of refusals) {
  test(`GrpcServer ends a call that is to "${request}" with status ${code}`, async (t) => {
    const { client } = await listen(t, [echo]);
    await assert.rejects(unary(client, request), { code, details });
  });
}

test("GrpcServer ends a call to an unknown method with UNIMPLEMENTED", async (t) => {
  const { client } = await listen(t, []);
  await assert.rejects(unary(client, "x"), { code: grpcJs.status.UNIMPLEMENTED });
});

test("GrpcServer refuses gzip with UNIMPLEMENTED", async (t) => {
  const { port } = await listen(t, [echo]);
  const client = new grpcJs.Client(`127.0.0.1:${port}`, grpcJs.credentials.createInsecure(), {
    "grpc.default_compression_algorithm": 2,
  });
  t.after(() => client.close());
  await assert.rejects(unary(client, "x"), { code: grpcJs.status.UNIMPLEMENTED });
});

test("GrpcServer refuses a message over the limit with RESOURCE_EXHAUSTED", async (t) => {
  const { client } = await listen(t, [echo], { maxMessageBytes: 1000 });
  await assert.rejects(unary(client, Buffer.alloc(1001)), { code: grpcJs.status.RESOURCE_EXHAUSTED });
});

test("GrpcServer ends a call at its grpc-timeout and aborts its signal", async (t) => {
  let isAborted = false;
  const hang = unaryMethod(codec("/test.Echo/Unary"), async (request, call) => {
    call.signal.addEventListener("abort", () => {
      isAborted = true;
    });
    await new Promise(() => undefined);
    return request;
  });
  const { port } = await listen(t, [hang]);
  const session = connect(`http://127.0.0.1:${port}`);
  t.after(() => session.destroy());
  const stream = session.request({
    ":method": "POST",
    ":path": "/test.Echo/Unary",
    "content-type": "application/grpc",
    "grpc-timeout": "30m",
  });
  stream.end(Buffer.from([0, 0, 0, 0, 0]));
  const [headers] = await once(stream, "response");
  assert.equal(headers["grpc-status"], "4");
  assert.equal(isAborted, true);
});

test("GrpcServer answers a request that isn't gRPC with HTTP 415", async (t) => {
  const { port } = await listen(t, [echo]);
  const session = connect(`http://127.0.0.1:${port}`);
  t.after(() => session.destroy());
  const [headers] = await once(session.request({ ":path": "/" }), "response");
  assert.equal(headers[":status"], 415);
});

function openStream(client: grpcJs.Client, metadata = new grpcJs.Metadata()) {
  return client.makeBidiStreamRequest("/test.Echo/Stream", identity, identity, metadata);
}

function statusOf(call: grpcJs.ClientDuplexStream<Buffer, Buffer>): Promise<grpcJs.StatusObject> {
  call.on("error", () => undefined);
  call.resume();
  return new Promise((resolve) => call.once("status", resolve));
}

test("GrpcServer streams in both directions and ends with the client", async (t) => {
  const { client } = await listen(t, [echoStream]);
  const call = openStream(client);
  const received: string[] = [];
  call.on("data", (bytes: Buffer) => received.push(bytes.toString()));
  for (const word of ["a", "b", "c"]) call.write(Buffer.from(word));
  call.end();
  const [status] = await once(call, "status");
  assert.equal(status.code, grpcJs.status.OK);
  assert.deepEqual(received, ["re:a", "re:b", "re:c"]);
});

test("GrpcServer refuses a stream with trailers only", async (t) => {
  const { client } = await listen(t, [echoStream]);
  const metadata = new grpcJs.Metadata();
  metadata.set("refuse", "yes");
  const call = openStream(client, metadata);
  const status = await statusOf(call);
  assert.deepEqual([status.code, status.details], [grpcJs.status.UNAUTHENTICATED, "No token"]);
});

test("BidiReceiver.closed() is called once when the client cancels", async (t) => {
  let resolveClosed: (count: number) => void = () => undefined;
  const closed = new Promise<number>((resolve) => {
    resolveClosed = resolve;
  });
  let closedCount = 0;
  const method: GrpcMethod = {
    kind: "bidi",
    path: "/test.Echo/Stream",
    open(call) {
      call.write([Buffer.from("hi")]);
      return {
        message: () => undefined,
        closed: () => {
          closedCount += 1;
          resolveClosed(closedCount);
        },
      };
    },
  };
  const { client } = await listen(t, [method]);
  const call = openStream(client);
  call.on("error", () => undefined);
  await once(call, "data");
  call.cancel();
  assert.equal(await closed, 1);
});

test("BidiCall.write() returns false to a reader that stops, and drained() follows when it reads on", async (t) => {
  const message = Buffer.alloc(1 << 20);
  let writtenCount = 0;
  let isDrained = false;
  const method: GrpcMethod = {
    kind: "bidi",
    path: "/test.Echo/Stream",
    open(call) {
      while (call.write([message])) writtenCount += 1;
      return {
        message: () => undefined,
        drained: () => {
          isDrained = true;
          call.end("OK");
        },
      };
    },
  };
  const { port } = await listen(t, [method]);
  const session = connect(`http://127.0.0.1:${port}`);
  t.after(() => session.destroy());
  const stream = session.request({
    ":method": "POST",
    ":path": "/test.Echo/Stream",
    "content-type": "application/grpc",
  });
  await once(stream, "response");
  assert.equal(writtenCount, 0, "one message over the high-water mark must stop the writer");
  assert.equal(isDrained, false);
  stream.resume();
  const [trailers] = await once(stream, "trailers");
  assert.equal(trailers["grpc-status"], "0");
  assert.equal(isDrained, true);
});

test("GrpcServer closes a connection at its greatest age: GOAWAY, then UNAVAILABLE", async (t) => {
  const clock = new ManualClock();
  const { client } = await listen(t, [echoStream], {
    clock,
    maxConnectionAgeMs: 1000,
    maxConnectionAgeGraceMs: 100,
  });
  const call = openStream(client);
  call.write(Buffer.from("x"));
  await once(call, "data");
  clock.advance(999);
  call.write(Buffer.from("y"));
  await once(call, "data");
  clock.advance(1);
  const status = statusOf(call);
  clock.advance(100);
  assert.equal((await status).code, grpcJs.status.UNAVAILABLE);
});

test("GrpcServer closes a connection whose ping isn't answered", async (t) => {
  const clock = new ManualClock();
  const { server, port } = await listen(t, [echo], { clock, connections: { proofTimeoutMs: 600_000 } });
  const socket = connectSocket(port, "127.0.0.1");
  socket.on("error", () => undefined);
  // A connection preface and empty SETTINGS, and then silence.
  socket.write(
    Buffer.concat([
      Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
      Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
    ]),
  );
  await once(socket, "data");
  assert.equal(server.connectionCount, 1);
  clock.advance(30_000);
  clock.advance(20_000);
  socket.resume();
  await once(socket, "close");
});

test("GrpcServer.drain() waits for calls in progress", async (t) => {
  let finish: () => void = () => undefined;
  let resolveStarted: () => void = () => undefined;
  const isStarted = new Promise<void>((resolve) => {
    resolveStarted = resolve;
  });
  const slow = unaryMethod(codec("/test.Echo/Unary"), async (request) => {
    resolveStarted();
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
    return request;
  });
  const { server, client } = await listen(t, [slow]);
  const reply = unary(client, "late");
  await isStarted;
  const drained = server.drain(60_000);
  finish();
  assert.equal((await reply).toString(), "late");
  await drained;
  assert.equal(server.connectionCount, 0);
});

test("GrpcServer.drain() with spreadMs lets streams go on until their turn comes", async (t) => {
  const clock = new ManualClock();
  const { server, client } = await listen(t, [echoStream], { clock });
  const call = openStream(client);
  call.write(Buffer.from("x"));
  await once(call, "data");
  const drained = server.drain(60_000, { spreadMs: 10_000 });
  clock.advance(4_999);
  call.write(Buffer.from("y"));
  await once(call, "data");
  const status = statusOf(call);
  clock.advance(1);
  clock.advance(1_000);
  assert.equal((await status).code, grpcJs.status.UNAVAILABLE);
  clock.advance(1_000);
  await drained;
});

test("GrpcServer listens on a unix socket with a mode, replacing a stale one", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), `meltemi-grpc-${process.pid}-`));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "x.sock");
  for (const server of [createGrpcServer(t), createGrpcServer(t)]) {
    await server.listen({ kind: "unix", path, mode: 0o660 }, { methods: [echo] });
    assert.equal(statSync(path).mode & 0o777, 0o660);
    const client = new GrpcClient({ kind: "unix", path }, { clock: systemClock });
    t.after(() => client.close());
    assert.equal(Buffer.from(await client.unary("/test.Echo/Unary", Buffer.from("hi"))).toString(), "hi");
  }
});

test("GrpcServer serves a handle that listens already", async (t) => {
  const handle = createServer();
  handle.listen(0, "127.0.0.1");
  await once(handle, "listening");
  const server = createGrpcServer(t);
  const { port } = await server.listen({ kind: "handle", server: handle }, { methods: [echo] });
  const client = new GrpcClient({ kind: "tcp", host: "127.0.0.1", port: port ?? 0 }, { clock: systemClock });
  t.after(() => client.close());
  assert.equal(Buffer.from(await client.unary("/test.Echo/Unary", Buffer.from("hi"))).toString(), "hi");
});

async function listenTls(t: TestContext, clientCertificates: "optional" | "required") {
  const root = await createTestRoot("root");
  const server = createGrpcServer(t);
  const listener = await server.listen(
    { kind: "tcp", host: "127.0.0.1", port: 0 },
    { methods: [echo], tls: { ...(await root.issue()), clientRoots: root.certificate, clientCertificates } },
  );
  const who = async (
    clientIdentity?: { certificate: string; key: string },
    serverRoots = root.certificate,
  ) => {
    const tls = { serverRoots, serverName: "localhost", ...clientIdentity };
    const client = new GrpcClient(
      { kind: "tcp", host: "127.0.0.1", port: listener.port ?? 0, tls },
      { clock: systemClock },
    );
    t.after(() => client.close());
    return Buffer.from(await client.unary("/test.Echo/Unary", Buffer.from("who"))).toString();
  };
  return { root, listener, who };
}

test("CallContext.peer holds the client's certificate, verified", async (t) => {
  const { root, who } = await listenTls(t, "optional");
  const uri = "spiffe://cluster.local/ns/shop/sa/web";
  assert.match(await who(await root.issue(uri)), new RegExp(uri));
  assert.equal(await who(), "nobody");
});

test("GrpcServer refuses a client certificate of another root even where none is required", async (t) => {
  const { who } = await listenTls(t, "optional");
  const stranger = await createTestRoot("stranger");
  await assert.rejects(who(await stranger.issue("spiffe://cluster.local/ns/shop/sa/web")), {
    status: "UNAVAILABLE",
  });
});

test("GrpcServer refuses a client without a certificate where one is required", async (t) => {
  const { root, who } = await listenTls(t, "required");
  await assert.rejects(who(), { status: "UNAVAILABLE" });
  assert.match(await who(await root.issue("spiffe://a/ns/b/sa/c")), /spiffe/);
});

test("GrpcListener.updateTls() changes the certificate of new connections", async (t) => {
  const { root, listener, who } = await listenTls(t, "optional");
  const next = await createTestRoot("next");
  listener.updateTls({ ...(await next.issue()), clientRoots: next.certificate });
  await assert.rejects(who(undefined, root.certificate), { status: "UNAVAILABLE" });
  assert.equal(await who(undefined, next.certificate), "nobody");
});

test("BidiCall.end() within open() is trailers only, and message() isn't called after it", async (t) => {
  let messageCount = 0;
  const method: GrpcMethod = {
    kind: "bidi",
    path: "/test.Echo/Stream",
    open(call: BidiCall) {
      call.end("RESOURCE_EXHAUSTED", "Full");
      return {
        message: () => {
          messageCount += 1;
        },
      };
    },
  };
  const { client } = await listen(t, [method]);
  const call = openStream(client);
  call.write(Buffer.from("x"));
  const status = await statusOf(call);
  assert.deepEqual([status.code, status.details], [grpcJs.status.RESOURCE_EXHAUSTED, "Full"]);
  assert.equal(messageCount, 0);
});
