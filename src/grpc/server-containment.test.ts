// What a client breaks off ends there: none of these may reach the process, which the test runner would report.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { test } from "node:test";
import {
  connectionPreface,
  dataFrame,
  END_STREAM,
  goAwayFrame,
  grpcHeaders,
  grpcMessage,
  headersFrame,
  rstStreamFrame,
  settingsFrame,
} from "../../tests/support/raw-http2.ts";
import { ManualClock, systemClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import { GrpcClient } from "./client.ts";
import type { GrpcMethod } from "./method.ts";
import type { GrpcServerOptions } from "./server.ts";
import { GrpcServer } from "./server.ts";

const MEBIBYTE = 1_048_576;
const RESOURCE_EXHAUSTED = "8";
const UNARY = "/test.Echo/Unary";
const STREAM = "/test.Echo/Stream";
const message = (text: string) => grpcMessage(Buffer.from(text));
const opening = (...frames: readonly Buffer[]) =>
  Buffer.concat([connectionPreface, settingsFrame(), ...frames]);

/** Answers when told to, so that a client can be gone before. */
function lateEcho() {
  const answers: (() => void)[] = [];
  const unary: GrpcMethod = {
    kind: "unary",
    path: UNARY,
    handle: (request) =>
      new Promise((resolve, reject) => {
        answers.push(() =>
          Buffer.from(request).toString() === "crash" ? reject(new Error("internal")) : resolve([request]),
        );
      }),
  };
  return { unary, answers };
}

async function serve(
  t: TestContext,
  methods: readonly GrpcMethod[],
  options: Partial<GrpcServerOptions> = {},
) {
  const server = new GrpcServer({ clock: systemClock, log: silentLogger, random: () => 0.5, ...options });
  // The runner ties what escapes to the file only.
  const escaped: unknown[] = [];
  const note = (error: unknown) => void escaped.push(error);
  process.on("uncaughtException", note);
  t.after(async () => {
    await server.close();
    process.off("uncaughtException", note);
    assert.deepEqual(escaped, []);
  });
  const { port = 0 } = await server.listen({ kind: "tcp", host: "127.0.0.1", port: 0 }, { methods });
  return { server, port };
}

async function openRaw(t: TestContext, port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  t.after(() => socket.destroy());
  socket.on("error", () => undefined).resume();
  return socket;
}

/** A whole call of its own: what came before it on other connections has been handled by then. */
async function isServing(t: TestContext, port: number): Promise<void> {
  const client = new GrpcClient({ kind: "tcp", host: "127.0.0.1", port }, { clock: systemClock });
  t.after(() => client.close());
  const error = await client.unary("/test.Echo/None", Buffer.alloc(0)).catch((reason: unknown) => reason);
  assert.match(String(error), /No method/);
}

const brokenCalls: readonly (readonly [string, readonly Buffer[]])[] = [
  [
    "an unfinished message and NO_ERROR",
    [
      headersFrame(1, grpcHeaders(UNARY)),
      dataFrame(1, grpcMessage(Buffer.of(1), { declaredBytes: 9 })),
      rstStreamFrame(1, 0),
    ],
  ],
  ["headers and NO_ERROR", [headersFrame(1, grpcHeaders(UNARY)), rstStreamFrame(1, 0)]],
  ["an unknown method and CANCEL", [headersFrame(1, grpcHeaders("/none")), rstStreamFrame(1, 8)]],
  [
    "a request that isn't gRPC",
    [
      headersFrame(1, [
        [":method", "GET"],
        [":scheme", "http"],
        [":path", "/"],
      ]),
      rstStreamFrame(1, 0),
    ],
  ],
  [
    "a deadline that is over at once",
    [headersFrame(1, grpcHeaders(UNARY, [["grpc-timeout", "0m"]])), rstStreamFrame(1, 0)],
  ],
  [
    "a compressed message",
    [
      headersFrame(1, grpcHeaders(STREAM)),
      dataFrame(1, grpcMessage(Buffer.of(1), { flags: 1 })),
      rstStreamFrame(1, 0),
    ],
  ],
  [
    "GOAWAY with an open call",
    [headersFrame(1, grpcHeaders(UNARY)), goAwayFrame(0, 1), rstStreamFrame(1, 2)],
  ],
];
for (const [name, frames] of brokenCalls) {
  test(`GrpcServer survives a stream that is reset after ${name}`, async (t) => {
    const { port } = await serve(t, [
      lateEcho().unary,
      { kind: "bidi", path: STREAM, open: () => ({ message: () => undefined }) },
    ]);
    const socket = await openRaw(t, port);
    socket.write(opening(...frames));
    await isServing(t, port);
    // Byte by byte what Node reads in one piece may come in several turns.
    const slow = await openRaw(t, port);
    slow.setNoDelay();
    for (const frame of [connectionPreface, settingsFrame(), ...frames]) {
      slow.write(frame);
      await isServing(t, port);
    }
  });
}

for (const text of ["answer", "crash"]) {
  test(`GrpcServer survives a unary method that ends with ${text} when its stream was reset`, async (t) => {
    const { unary, answers } = lateEcho();
    const { port } = await serve(t, [unary]);
    const socket = await openRaw(t, port);
    socket.write(opening(headersFrame(1, grpcHeaders(UNARY)), dataFrame(1, message(text), END_STREAM)));
    await isServing(t, port);
    assert.equal(answers.length, 1);
    socket.write(rstStreamFrame(1, 0));
    answers[0]?.();
    await isServing(t, port);
  });
}

test("GrpcServer survives a deadline that passes as the stream is reset", async (t) => {
  const clock = new ManualClock();
  const { port } = await serve(t, [lateEcho().unary], { clock });
  const socket = await openRaw(t, port);
  socket.write(opening(headersFrame(1, grpcHeaders(UNARY, [["grpc-timeout", "50m"]]))));
  await isServing(t, port);
  socket.write(rstStreamFrame(1, 0));
  clock.advance(50);
  await isServing(t, port);
});

test("GrpcServer logs what a receiver throws when it is closed, and goes on", async (t) => {
  const faults: object[] = [];
  const log = { ...silentLogger, error: (fields: object) => void faults.push(fields) };
  const method: GrpcMethod = {
    kind: "bidi",
    path: STREAM,
    open: () => ({
      message: () => undefined,
      closed: () => {
        throw new Error("on my way out");
      },
    }),
  };
  const { port } = await serve(t, [method], { log });
  const socket = await openRaw(t, port);
  socket.write(opening(headersFrame(1, grpcHeaders(STREAM)), rstStreamFrame(1, 8)));
  await isServing(t, port);
  assert.equal(faults.length, 1);
});

test("BidiCall.write() and end() on a stream that is gone do nothing", async (t) => {
  const calls: { write(): boolean; end(): void }[] = [];
  const method: GrpcMethod = {
    kind: "bidi",
    path: STREAM,
    open(call) {
      calls.push({ write: () => call.write([Buffer.from("late")]), end: () => call.end("OK") });
      return { message: () => undefined };
    },
  };
  const { port } = await serve(t, [method]);
  const socket = await openRaw(t, port);
  socket.write(opening(headersFrame(1, grpcHeaders(STREAM)), dataFrame(1, message("x"))));
  await isServing(t, port);
  socket.write(rstStreamFrame(1, 0));
  await isServing(t, port);
  assert.equal(calls[0]?.write(), false);
  calls[0]?.end();
  await isServing(t, port);
});

test("GrpcServer bounds the unfinished messages of all calls of a connection together", async (t) => {
  const { unary, answers } = lateEcho();
  const { port } = await serve(t, [unary]);
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  t.after(() => session.destroy());
  const part = grpcMessage(Buffer.alloc(MEBIBYTE - 5), { declaredBytes: 2 * MEBIBYTE });
  const headers = { ":method": "POST", ":path": UNARY, "content-type": "application/grpc" };
  const streams = Array.from({ length: 6 }, () => session.request(headers, { endStream: false }));
  const refusal = Promise.race(streams.map((stream) => once(stream, "response")));
  for (const stream of streams) stream.on("error", () => undefined).write(part);
  const [answer] = (await refusal) as [Record<string, unknown>];
  assert.equal(answer["grpc-status"], RESOURCE_EXHAUSTED);
  assert.deepEqual(answers, []);
  await isServing(t, port);
});
