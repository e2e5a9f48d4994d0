import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { silentLogger } from "../../core/logger.ts";
import { type ForwardTarget, forwardConnections } from "./forward-connections.ts";

async function listen(t: TestContext, server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** A forwarder before a server that `serve`s; gives a connected client. */
async function forwarded(t: TestContext, serve: (socket: Socket) => void) {
  const upstreamPort = await listen(t, createServer({ allowHalfOpen: true }, serve));
  const server = createServer();
  const port = await listen(t, server);
  const target = { kind: "tcp", host: "127.0.0.1", port: upstreamPort } as const;
  const forwarding = forwardConnections(server, { log: silentLogger, target: () => target });
  t.after(() => forwarding.close());
  const client = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  t.after(() => client.destroy());
  await once(client, "connect");
  return { client, forwarding };
}

async function readAll(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(socket, "end");
  return text;
}

/** Resolves when the connection is gone, by its end or by an error. */
function closeOf(socket: Socket): Promise<void> {
  socket.on("error", () => undefined);
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

test("forwardConnections() lets a client finish sending and still get the answer", async (t) => {
  const { client } = await forwarded(t, (socket) => {
    void readAll(socket).then((text) => socket.end(`got ${text}`));
  });
  client.end("question");
  assert.equal(await readAll(client), "got question");
});

test("forwardConnections() lets a server finish sending and still take what the client sends", async (t) => {
  let received: Promise<string> | undefined;
  const { client } = await forwarded(t, (socket) => {
    received = readAll(socket);
    socket.end("first");
  });
  assert.equal(await readAll(client), "first");
  client.end("second");
  assert.equal(await received, "second");
});

test("forwardConnections() stops reading for a reader that has stopped", async (t) => {
  const { client } = await forwarded(t, (socket) => socket.pause());
  // Far above what the kernel's buffers on the way hold.
  for (let sent = 0; sent < 128; sent += 1) client.write(Buffer.alloc(1 << 20));
  let queuedBytes = -1;
  while (client.writableLength !== queuedBytes) {
    queuedBytes = client.writableLength;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert(queuedBytes > 64 << 20, `${queuedBytes} bytes wait at the sender`);
});

test("forwardConnections() ends the client's connection when the server resets its own, and forgets it", async (t) => {
  const { client, forwarding } = await forwarded(t, (socket) => socket.resetAndDestroy());
  await closeOf(client);
  await new Promise(setImmediate);
  assert.equal(forwarding.connectionCount, 0);
});

test("forwardConnections() reaches a unix socket, and closes clients while there is no target", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "meltemi-forward-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "target.sock");
  const upstream = createServer((socket) => socket.end("by path")).listen(path);
  await once(upstream, "listening");
  t.after(() => upstream.close());
  const server = createServer();
  const port = await listen(t, server);
  let target: ForwardTarget | undefined;
  const failures: Error[] = [];
  const forwarding = forwardConnections(server, {
    log: silentLogger,
    target: () => target,
    onFailure: (cause) => failures.push(cause),
  });
  t.after(() => forwarding.close());
  const ask = async (): Promise<string> => {
    const client = connect(port, "127.0.0.1");
    let text = "";
    client.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    await closeOf(client);
    return text;
  };
  assert.equal(await ask(), "");
  target = { kind: "path", path };
  assert.equal(await ask(), "by path");
  target = { kind: "path", path: join(directory, "absent.sock") };
  assert.equal(await ask(), "");
  assert.equal(failures.length, 1);
});

test("forwardConnections() closes what is above its bound", async (t) => {
  const upstreamPort = await listen(
    t,
    createServer(() => undefined),
  );
  const server = createServer();
  const port = await listen(t, server);
  const forwarding = forwardConnections(server, {
    log: silentLogger,
    target: () => ({ kind: "tcp", host: "127.0.0.1", port: upstreamPort }),
    maxConnections: 1,
  });
  t.after(() => forwarding.close());
  const first = connect(port, "127.0.0.1");
  t.after(() => first.destroy());
  first.on("error", () => undefined);
  await once(first, "connect");
  const second = connect(port, "127.0.0.1");
  await closeOf(second);
  assert.equal(forwarding.connectionCount, 1);
});

test("forwardConnections() goes on when a connection couldn't be accepted", async (t) => {
  const server = createServer();
  await listen(t, server);
  const errors: string[] = [];
  const log = { ...silentLogger, error: (fields: object) => errors.push(JSON.stringify(fields)) };
  forwardConnections(server, { log, target: () => undefined });
  for (const code of ["EMFILE", "ENFILE"]) server.emit("error", new Error(`accept ${code}`));
  assert.equal(errors.length, 2);
});
