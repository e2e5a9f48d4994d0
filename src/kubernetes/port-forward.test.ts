import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { streamingServer } from "../../tests/support/streaming-server.ts";
import { ManualClock } from "../core/clock.ts";
import { openPortForward } from "./port-forward.ts";

const options = { clock: new ManualClock() };
const place = { namespace: "shop", pod: "web", port: 15000 };
const PORT = Buffer.from([0x98, 0x3a]);
const CLOSE = Buffer.from([0x03, 0xe8]);

test("openPortForward() carries HTTP to a port of a pod", async (t) => {
  let path = "";
  const client = await streamingServer(t, async (stream) => {
    path = `${stream.url.pathname}${stream.url.search}`;
    stream.send(0, PORT);
    stream.send(1, PORT);
    const said = await stream.next();
    assert.equal(said?.payload[0], 0);
    assert.match(String(said?.payload), /GET \/ready HTTP\/1.1/);
    stream.send(0, "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nLI");
    stream.send(0, "VE");
    stream.sendFrame(0x88, CLOSE);
  });
  const connection = await openPortForward(client, place, options);
  const outgoing = request({ path: "/ready", createConnection: () => connection }).end();
  const [answer] = await once(outgoing, "response");
  assert.equal(await text(answer), "LIVE");
  assert.equal(path, "/api/v1/namespaces/shop/pods/web/portforward?ports=15000");
});

test("openPortForward() takes the port off a channel, however it is cut", async (t) => {
  const client = await streamingServer(t, (stream) => {
    stream.send(0, PORT.subarray(0, 1));
    stream.send(0, PORT.subarray(1), "hel");
    stream.send(0);
    stream.send(0, "lo");
    stream.sendFrame(0x88, CLOSE);
  });
  assert.equal(await text(await openPortForward(client, place, options)), "hello");
});

test("openPortForward() fails with what the node says", async (t) => {
  const client = await streamingServer(t, (stream) => {
    stream.send(0, PORT);
    stream.send(1, PORT);
    stream.send(1, "connection refused\n");
  });
  const connection = await openPortForward(client, place, options);
  await assert.rejects(text(connection), {
    name: "PortForwardError",
    message: 'Cannot reach port 15000 of pod "shop/web": connection refused',
  });
});
