import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { test } from "node:test";
import grpcJs from "@grpc/grpc-js";
import { ManualClock, systemClock } from "../core/clock.ts";
import { GrpcClient } from "./client.ts";
import type { GrpcError } from "./status.ts";

const identity = (bytes: Buffer) => bytes;
const method = (path: string, isStream: boolean) => ({
  path,
  requestStream: isStream,
  responseStream: isStream,
  requestSerialize: identity,
  requestDeserialize: identity,
  responseSerialize: identity,
  responseDeserialize: identity,
});

async function startGrpcJs(t: TestContext) {
  const server = new grpcJs.Server();
  server.addService(
    { unary: method("/test.Echo/Unary", false), stream: method("/test.Echo/Stream", true) },
    {
      unary: (call: grpcJs.ServerUnaryCall<Buffer, Buffer>, callback: grpcJs.sendUnaryData<Buffer>) => {
        const word = call.request.toString();
        if (word === "refuse") callback({ code: grpcJs.status.NOT_FOUND, details: "Nothing: é" });
        else if (word === "token") callback(null, Buffer.from(String(call.metadata.get("authorization")[0])));
        else if (word !== "hang") callback(null, call.request);
      },
      stream: (call: grpcJs.ServerDuplexStream<Buffer, Buffer>) => {
        call.on("data", (bytes: Buffer) => call.write(bytes));
        call.on("end", () => call.end());
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpcJs.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  const client = new GrpcClient({ kind: "tcp", host: "127.0.0.1", port }, { clock: systemClock });
  t.after(() => {
    client.close();
    server.forceShutdown();
  });
  return { client, server, port };
}

const say = async (client: GrpcClient, word: string, options = {}) =>
  Buffer.from(await client.unary("/test.Echo/Unary", Buffer.from(word), options)).toString();

test("GrpcClient.unary() is answered by grpc-js, with metadata", async (t) => {
  const { client } = await startGrpcJs(t);
  assert.equal(await say(client, "hello"), "hello");
  assert.equal(await say(client, "token", { metadata: { authorization: "Bearer x" } }), "Bearer x");
});

test("GrpcClient.unary() rejects with the server's status and message", async (t) => {
  const { client } = await startGrpcJs(t);
  await assert.rejects(say(client, "refuse"), { status: "NOT_FOUND", message: "Nothing: é" });
});

test("GrpcClient.unary() rejects at its timeout and on abort", async (t) => {
  const { client } = await startGrpcJs(t);
  await assert.rejects(say(client, "hang", { timeoutMs: 30 }), { status: "DEADLINE_EXCEEDED" });
  await assert.rejects(say(client, "hang", { signal: AbortSignal.abort() }), { status: "CANCELLED" });
});

test("GrpcClient.bidi() streams in both directions with grpc-js", async (t) => {
  const { client } = await startGrpcJs(t);
  const received: string[] = [];
  const error = await new Promise<GrpcError | undefined>((resolve) => {
    const call = client.bidi("/test.Echo/Stream", {
      message: (bytes) => {
        received.push(Buffer.from(bytes).toString());
        if (received.length === 2) call.end();
      },
      closed: resolve,
    });
    call.write([Buffer.from("a"), Buffer.from("b")]);
    call.write([Buffer.from("c")]);
  });
  assert.equal(error, undefined);
  assert.deepEqual(received, ["ab", "c"]);
});

test("GrpcClient connects again after its server was lost", async (t) => {
  const first = await startGrpcJs(t);
  assert.equal(await say(first.client, "a"), "a");
  first.server.forceShutdown();
  await assert.rejects(say(first.client, "hang"), { status: "UNAVAILABLE" });
  const second = new grpcJs.Server();
  second.addService(
    { unary: method("/test.Echo/Unary", false) },
    {
      unary: (call: grpcJs.ServerUnaryCall<Buffer, Buffer>, callback: grpcJs.sendUnaryData<Buffer>) =>
        callback(null, call.request),
    },
  );
  t.after(() => second.forceShutdown());
  await new Promise<void>((resolve, reject) =>
    second.bindAsync(`127.0.0.1:${first.port}`, grpcJs.ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    ),
  );
  assert.equal(await say(first.client, "b"), "b");
});

test("GrpcClient.unary() turns an HTTP failure without a status into one", async (t) => {
  const server = createServer();
  server.on("stream", (stream) => stream.respond({ ":status": 503 }, { endStream: true }));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = new GrpcClient(
    { kind: "tcp", host: "127.0.0.1", port: (server.address() as AddressInfo).port },
    { clock: systemClock },
  );
  t.after(() => {
    client.close();
    server.close();
  });
  await assert.rejects(say(client, "x"), { status: "UNAVAILABLE", message: "The server answered HTTP 503" });
});

test("GrpcClient.unary() rejects with UNAVAILABLE where nothing listens", async (t) => {
  const client = new GrpcClient(
    { kind: "unix", path: `/tmp/meltemi-none-${process.pid}.sock` },
    { clock: systemClock },
  );
  t.after(() => client.close());
  await assert.rejects(say(client, "x"), { status: "UNAVAILABLE" });
});

test("GrpcClient.unary() rejects with UNAVAILABLE on a closed client and with a key that doesn't load", async () => {
  const closed = new GrpcClient({ kind: "unix", path: "/nowhere" }, { clock: systemClock });
  closed.close();
  await assert.rejects(say(closed, "x"), { status: "UNAVAILABLE" });
  const tls = { serverRoots: "not PEM", serverName: "localhost", certificate: "no", key: "no" };
  const broken = new GrpcClient({ kind: "unix", path: "/nowhere", tls }, { clock: systemClock });
  await assert.rejects(say(broken, "x"), { status: "UNAVAILABLE" });
});

test("GrpcClient keeps a connection whose keepalives are answered", async (t) => {
  const { port } = await startGrpcJs(t);
  const clock = new ManualClock();
  const keepalive = { keepaliveIntervalMs: 30_000, keepaliveTimeoutMs: 20_000 };
  const client = new GrpcClient({ kind: "tcp", host: "127.0.0.1", port }, { clock, ...keepalive });
  t.after(() => client.close());
  let ending: unknown = "open";
  client.bidi("/test.Echo/Stream", {
    message: () => undefined,
    closed: (error) => {
      ending = error;
    },
  });
  assert.equal(await say(client, "connected"), "connected");
  clock.advance(30_000);
  // The answer comes after that of the ping, which was sent before.
  assert.equal(await say(client, "pinged"), "pinged");
  clock.advance(20_000);
  assert.equal(await say(client, "there"), "there");
  assert.equal(ending, "open");
});
