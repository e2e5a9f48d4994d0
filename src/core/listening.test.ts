import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { type TestContext, test } from "node:test";
import { keepAccepting, startListening } from "./listening.ts";
import { type Logger, silentLogger } from "./logger.ts";

const host = "127.0.0.1";

function noting(): { readonly log: Logger; readonly noted: string[] } {
  const noted: string[] = [];
  return { noted, log: { ...silentLogger, error: (fields) => noted.push(JSON.stringify(fields)) } };
}

function serverFor(t: TestContext) {
  const server = createServer((socket) => socket.end("hello"));
  t.after(() => server.close());
  return server;
}

test("startListening() keeps a server whose connections can't be accepted for a while", async (t) => {
  const { log, noted } = noting();
  const server = serverFor(t);
  await startListening(server, { port: 0, host }, log);
  // As Node does it for what accept(2) says; twice, since a listener for once would be gone then.
  for (const code of ["EMFILE", "ENFILE"]) server.emit("error", new Error(`accept ${code}`));
  assert.deepEqual(noted, ['{"error":"accept EMFILE"}', '{"error":"accept ENFILE"}']);
  const client = connect((server.address() as AddressInfo).port, host);
  const [answer] = (await once(client, "data")) as [Buffer];
  assert.equal(answer.toString(), "hello");
});

test("startListening() rejects where it can't listen, and logs nothing then", async (t) => {
  const { log, noted } = noting();
  const first = serverFor(t);
  await startListening(first, { port: 0, host }, log);
  const { port } = first.address() as AddressInfo;
  await assert.rejects(startListening(serverFor(t), { port, host }, log), /EADDRINUSE/);
  assert.deepEqual(noted, []);
});

test("keepAccepting() is for servers that others listen for", () => {
  const { log, noted } = noting();
  const server = createServer();
  keepAccepting(server, log);
  server.emit("error", new Error("accept ENOBUFS"));
  assert.deepEqual(noted, ['{"error":"accept ENOBUFS"}']);
});
