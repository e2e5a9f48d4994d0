import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { TestStream } from "../../tests/support/streaming-server.ts";
import { streamingServer } from "../../tests/support/streaming-server.ts";
import { ManualClock } from "../core/clock.ts";
import type { TapQuery } from "../core/tap-event.ts";
import { tapPod } from "./pod-tap.ts";

const query: TapQuery = {
  ...{ from: "", to: "reviews", path: "/a b", method: "", status: "5xx" },
  ...{ headers: ["accept", "user-agent"], isQueryShown: true },
};

async function tapOf(t: TestContext, answer: (stream: TestStream, request: string) => unknown) {
  const client = await streamingServer(t, async (stream) => {
    for (const channel of [0, 1]) stream.send(channel, Buffer.alloc(2));
    answer(stream, String((await stream.next())?.payload));
  });
  const stop = new AbortController();
  const access = { client, clock: new ManualClock(), signal: stop.signal };
  const tap = tapPod(access, { namespace: "shop", name: "web-1" }, { query, signal: stop.signal });
  return { tap, stop };
}

const streamOf = (text: string) =>
  `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${text.length.toString(16)}\r\n${text}\r\n`;

test("tapPod() asks the agent for what is wanted, and gives each event as it comes", async (t) => {
  let asked = "";
  const { tap, stop } = await tapOf(t, (stream, request) => {
    asked = request;
    stream.send(0, streamOf('\n{"dropped":1}\n\n{"dropped":2}\n'));
  });
  assert.deepEqual((await tap.next()).value, { dropped: 1 });
  assert.deepEqual((await tap.next()).value, { dropped: 2 });
  const path = "/tap?to=reviews&path=%2Fa+b&status=5xx&header=accept%2Cuser-agent&query=show";
  assert.ok(asked.includes(`GET ${path} HTTP/1.1`), asked);
  stop.abort();
  assert.equal((await tap.next()).done, true);
});

for (const [what, answer, message] of [
  [
    "an older agent",
    "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
    /of a release that can't be tapped/,
  ],
  [
    "too many taps",
    'HTTP/1.1 429 Too Many\r\ncontent-length: 16\r\n\r\n{"error":"full"}',
    /The proxy of pod "web-1" can't be tapped: full/,
  ],
] as const) {
  test(`tapPod() says that there is ${what}`, async (t) => {
    const { tap } = await tapOf(t, (stream) => stream.send(0, answer));
    await assert.rejects(tap.next(), { name: "ClusterRefusal", message });
  });
}
