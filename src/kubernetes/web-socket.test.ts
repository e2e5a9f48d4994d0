import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { streamingServer, type TestStream } from "../../tests/support/streaming-server.ts";
import { ManualClock } from "../core/clock.ts";
import { openWebSocket } from "./web-socket.ts";
import { opcodes } from "./web-socket-frame.ts";

const request = { path: "/stream" };
const protocols = ["v5.test", "v4.test"];
const clock = new ManualClock();
const FINAL = 0x80;

async function closeOf({ next }: TestStream): Promise<number | undefined> {
  for (let frame = await next(); frame !== undefined; frame = await next()) {
    if (frame.opcode === opcodes.close) return frame.payload.readUInt16BE(0);
  }
  return undefined;
}

test("openWebSocket() asks as RFC 6455 says, and takes what the server chose", async (t) => {
  let headers: NodeJS.Dict<string | string[]> = {};
  const client = await streamingServer(
    t,
    (stream) => {
      headers = stream.request.headers;
    },
    { protocol: "v4.test" },
  );
  const { messages, protocol } = await openWebSocket(client, request, { clock, protocols });
  messages.destroy();
  assert.equal(protocol, "v4.test");
  assert.equal(headers["sec-websocket-version"], "13");
  assert.equal(headers["sec-websocket-protocol"], "v5.test, v4.test");
  assert.equal(Buffer.from(String(headers["sec-websocket-key"]), "base64").length, 16);
});

test("openWebSocket() carries messages both ways, and ends with the server", async (t) => {
  const closed: Promise<number | undefined>[] = [];
  const client = await streamingServer(t, async (stream) => {
    const { payload } = (await stream.next()) ?? { payload: "" };
    stream.send("you said ", payload);
    stream.sendFrame(FINAL | opcodes.close, Buffer.from([0x03, 0xe8]));
    closed.push(closeOf(stream));
  });
  const { messages } = await openWebSocket(client, request, { clock, protocols });
  messages.write(Buffer.from("hello"));
  const received: string[] = [];
  for await (const message of messages) received.push(String(message));
  assert.deepEqual(received, ["you said hello"]);
  assert.equal(await closed[0], 1000);
});

test("openWebSocket() keeps what came before the end for a slow reader", async (t) => {
  const closed: Promise<unknown>[] = [];
  const client = await streamingServer(t, (stream) => {
    stream.send("one");
    stream.send("two");
    stream.sendFrame(FINAL | opcodes.close, Buffer.from([0x03, 0xe8]));
    stream.socket.end();
    closed.push(closeOf(stream));
  });
  const { messages } = await openWebSocket(client, request, { clock, protocols });
  assert.equal(await closed[0], 1000);
  const received: string[] = [];
  for await (const message of messages) received.push(String(message));
  assert.deepEqual(received, ["one", "two"]);
});

test("openWebSocket() answers a ping", async (t) => {
  let stream: TestStream | undefined;
  const client = await streamingServer(t, (opened) => {
    stream = opened;
    opened.sendFrame(FINAL | opcodes.ping, Buffer.from("there?"));
  });
  const { messages } = await openWebSocket(client, request, { clock, protocols });
  messages.resume();
  const pong = await stream?.next();
  assert.deepEqual([pong?.opcode, String(pong?.payload)], [opcodes.pong, "there?"]);
  messages.destroy();
});

test("openWebSocket() pings, so that load balancers keep the connection", async (t) => {
  let stream: TestStream | undefined;
  const client = await streamingServer(t, (opened) => {
    stream = opened;
  });
  const ticking = new ManualClock();
  const { messages } = await openWebSocket(client, request, { clock: ticking, protocols });
  ticking.advance(60_000);
  assert.equal((await stream?.next())?.opcode, opcodes.ping);
  assert.equal((await stream?.next())?.opcode, opcodes.ping);
  messages.destroy();
  ticking.advance(60_000);
  assert.equal((await stream?.next())?.opcode, opcodes.close);
});

test("openWebSocket() fails with the server's reason", async (t) => {
  const client = await streamingServer(t, (stream) =>
    stream.sendFrame(FINAL | opcodes.close, Buffer.from([0x03, 0xf3, ...Buffer.from("broken")])),
  );
  const { messages } = await openWebSocket(client, request, { clock, protocols });
  messages.resume();
  const [error] = await once(messages, "error");
  assert.equal(error.message, "The API server closed the WebSocket: broken");
});

test("openWebSocket() fails when the connection is lost", async (t) => {
  const client = await streamingServer(t, ({ socket }) => socket.destroy());
  const { messages } = await openWebSocket(client, request, { clock, protocols });
  messages.resume();
  const [error] = await once(messages, "error");
  assert.match(error.message, /lost|ECONNRESET/);
});

test("openWebSocket() closes with 1002 what breaks the protocol", async (t) => {
  let closed: Promise<number | undefined> | undefined;
  const client = await streamingServer(t, (stream) => {
    stream.sendFrame(FINAL | 3, Buffer.alloc(0));
    closed = closeOf(stream);
  });
  const { messages } = await openWebSocket(client, request, { clock, protocols });
  messages.resume();
  const [error] = await once(messages, "error");
  assert.equal(error.code, 1002);
  assert.equal(await closed, 1002);
});

test("openWebSocket() stops reading while nobody takes what it read", async (t) => {
  let stream: TestStream | undefined;
  const client = await streamingServer(t, (opened) => {
    stream = opened;
  });
  const { messages } = await openWebSocket(client, request, { clock, protocols });
  const count = 2_000;
  for (let sent = 0; sent < count; sent += 1) stream?.send(Buffer.alloc(30_000));
  // What the machine's buffers take is far less than 60 MB.
  assert.equal(stream?.socket.writableNeedDrain, true);
  let received = 0;
  for await (const message of messages) {
    assert.equal(message.length, 30_000);
    received += 1;
    if (received === count) break;
  }
  assert.equal(received, count);
});

const wrongAnswers = [
  ["another key's answer", { accept: "c3RhbGU=" }],
  ["a protocol that wasn't offered", { protocol: "v9.test" }],
] as const;

for (const [what, options] of wrongAnswers) {
  test(`openWebSocket() refuses ${what}`, async (t) => {
    const client = await streamingServer(t, () => undefined, options);
    await assert.rejects(openWebSocket(client, request, { clock, protocols }), {
      name: "WebSocketError",
      message: 'Cannot open a WebSocket to /stream: the answer is none for "v5.test, v4.test"',
    });
  });
}

test("openWebSocket() throws what the API server refuses", async (t) => {
  const body = { kind: "Status", message: 'pods "web" is forbidden', reason: "Forbidden" };
  const client = await streamingServer(t, () => undefined, { refusal: { status: 403, body } });
  await assert.rejects(openWebSocket(client, request, { clock, protocols }), {
    name: "ApiError",
    status: 403,
    message: 'Cannot GET /stream: pods "web" is forbidden',
  });
});
