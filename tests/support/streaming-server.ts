// For tests: an API server whose streams are WebSockets that the test speaks by itself, frame by frame.

import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { TestContext } from "node:test";
import { systemClock } from "../../src/core/clock.ts";
import type { StreamingApiClient } from "../../src/kubernetes/api-client.ts";
import { createApiClient } from "../../src/kubernetes/api-client.ts";

export interface TestStream {
  readonly request: IncomingMessage;
  readonly url: URL;
  readonly socket: Socket;
  /** Sends one message. */
  send(...parts: readonly (number | string | Uint8Array)[]): void;
  /** Sends a frame of any kind. */
  sendFrame(firstByte: number, payload: Uint8Array): void;
  /** The next frame of the client, without its mask; undefined once it has closed. */
  next(): Promise<TestFrame | undefined>;
}

export interface TestFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

export interface StreamingServerOptions {
  /** What it answers to requests that want no WebSocket, as JSON. */
  readonly page?: (url: URL) => unknown;
  /** Chooses the protocol; the client's first unless given. */
  readonly protocol?: string;
  /** Instead of the right answer to the key. */
  readonly accept?: string;
  /** Answers so instead of handing over. */
  readonly refusal?: { readonly status: number; readonly body: object };
}

const FINAL_BINARY = 0x82;

/** A client of a server that lives as long as the test. */
export async function streamingServer(
  t: TestContext,
  serve: (stream: TestStream) => unknown,
  options: StreamingServerOptions = {},
): Promise<StreamingApiClient> {
  const server = createServer((request, response) => {
    response.end(JSON.stringify(options.page?.(new URL(request.url ?? "/", "http://api")) ?? {}));
  });
  const sockets = new Set<Socket>();
  server.on("upgrade", (request, socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    if (answer(request, socket, options)) void serve(streamOf(request, socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const endpoint = {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    credentials: async () => ({}),
    forgetCredentials: () => undefined,
  };
  const client = createApiClient(endpoint, { clock: systemClock, userAgent: "test" });
  t.after(() => {
    client.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return client;
}

function answer(
  { headers }: IncomingMessage,
  socket: Socket,
  { accept, protocol, refusal }: StreamingServerOptions,
): boolean {
  if (refusal !== undefined) {
    const body = JSON.stringify(refusal.body);
    const lines = [`HTTP/1.1 ${refusal.status} No`, `content-length: ${body.length}`, "connection: close"];
    socket.end(`${lines.join("\r\n")}\r\n\r\n${body}`);
    return false;
  }
  const key = `${headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const [first] = (headers["sec-websocket-protocol"] ?? "").split(", ");
  const lines = [
    "HTTP/1.1 101 Switching Protocols",
    "upgrade: websocket",
    "connection: Upgrade",
    `sec-websocket-accept: ${accept ?? createHash("sha1").update(key).digest("base64")}`,
    `sec-websocket-protocol: ${protocol ?? first}`,
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  return true;
}

function streamOf(request: IncomingMessage, socket: Socket): TestStream {
  const frames = clientFrames(socket);
  const sendFrame = (firstByte: number, payload: Uint8Array) => {
    const header = Buffer.alloc(payload.length < 126 ? 2 : 4);
    header[0] = firstByte;
    header[1] = Math.min(payload.length, 126);
    if (payload.length >= 126) header.writeUInt16BE(payload.length, 2);
    socket.write(Buffer.concat([header, payload]));
  };
  return {
    request,
    url: new URL(request.url ?? "/", "http://api"),
    socket,
    sendFrame,
    send: (...parts) => sendFrame(FINAL_BINARY, Buffer.concat(parts.map(bytesOf))),
    next: async () => (await frames.next()).value,
  };
}

function bytesOf(part: number | string | Uint8Array): Uint8Array {
  if (typeof part === "number") return Buffer.of(part);
  return typeof part === "string" ? Buffer.from(part) : part;
}

/** Of frames shorter than 64 KiB. */
async function* clientFrames(socket: Socket): AsyncGenerator<TestFrame, undefined> {
  let unread = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    unread = Buffer.concat([unread, chunk]);
    for (;;) {
      if (unread.length < 6) break;
      const [first = 0, second = 0] = unread;
      const isLong = (second & 0x7f) === 126;
      const length = isLong ? unread.readUInt16BE(2) : second & 0x7f;
      const start = isLong ? 8 : 6;
      if (unread.length < start + length) break;
      const mask = unread.subarray(start - 4, start);
      const payload = unread
        .subarray(start, start + length)
        .map((byte, index) => byte ^ (mask[index & 3] ?? 0));
      yield { opcode: first & 0x0f, payload: Buffer.from(payload) };
      unread = unread.subarray(start + length);
    }
  }
  return undefined;
}
