import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { TestStream } from "../../tests/support/streaming-server.ts";
import { streamingServer } from "../../tests/support/streaming-server.ts";
import { ManualClock } from "../core/clock.ts";
import { readPodPage } from "./pod-page.ts";

const place = { namespace: "shop", pod: "web", port: 15000 };

async function readFrom(t: TestContext, answer: (stream: TestStream) => unknown, clock = new ManualClock()) {
  const client = await streamingServer(t, async (stream) => {
    for (const channel of [0, 1]) stream.send(channel, Buffer.alloc(2));
    await stream.next();
    answer(stream);
  });
  return readPodPage({ client, clock, signal: new AbortController().signal }, place, "/clusters");
}

test("readPodPage() reads an answer in chunks, whatever its status", async (t) => {
  const page = await readFrom(t, (stream) => {
    stream.send(0, "HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n3\r\nno ");
    stream.send(0, "\r\n5\r\nthere\r\n0\r\n\r\n");
  });
  assert.deepEqual(page, { status: 404, text: "no there" });
});

test("readPodPage() says that a pod broke off", async (t) => {
  const answer = (stream: TestStream) => stream.sendFrame(0x88, Buffer.from([0x03, 0xe8]));
  const message = 'Pod "web" broke off its answer to /clusters';
  await assert.rejects(readFrom(t, answer), { name: "ClusterRefusal", message });
  const inTheMiddle = (stream: TestStream) => {
    stream.send(0, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
    answer(stream);
  };
  await assert.rejects(readFrom(t, inTheMiddle), { name: "ClusterRefusal", message });
});

test("readPodPage() doesn't wait for ever", async (t) => {
  const clock = new ManualClock();
  const message = `Pod "web" didn't answer /clusters in time`;
  await assert.rejects(
    readFrom(t, () => clock.advance(30_000), clock),
    { name: "ClusterRefusal", message },
  );
});
