import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { receiveListeners } from "./pass-listener.ts";

/** A connection that was accepted by the front before it had passed the listener on. */
async function acceptedSocket(t: TestContext): Promise<Socket> {
  const server = createServer({ pauseOnConnect: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  t.after(() => client.destroy());
  const [socket] = (await once(server, "connection")) as [Socket];
  t.after(() => socket.destroy());
  return socket;
}

test("receiveListeners() gives early connections to the server, before and after it has come", async (t) => {
  const channel = new EventEmitter();
  const accepted: Socket[] = [];
  const names: string[] = [];
  const stop = receiveListeners(channel, (name: string, server: Server) => {
    names.push(name);
    server.on("connection", (socket: Socket) => accepted.push(socket));
  });
  const [early, late] = [await acceptedSocket(t), await acceptedSocket(t)];
  channel.emit("message", { meltemi: "connection", name: "gateway" }, early);
  channel.emit("message", { meltemi: "listener", name: "gateway" }, createServer());
  channel.emit("message", { meltemi: "connection", name: "gateway" }, late);
  for (const other of [undefined, null, "text", { meltemi: "listener" }, { name: "gateway" }]) {
    channel.emit("message", other, undefined);
  }
  stop();
  channel.emit("message", { meltemi: "connection", name: "gateway" }, early);
  await Promise.resolve();
  assert.deepEqual(names, ["gateway"]);
  assert.deepEqual(new Set(accepted), new Set([early, late]));
});

test("receiveListeners() holds connections until somebody takes them", async (t) => {
  const channel = new EventEmitter();
  let server: Server | undefined;
  t.after(receiveListeners(channel, (_name, received) => (server = received)));
  const early = await acceptedSocket(t);
  channel.emit("message", { meltemi: "listener", name: "xds" }, createServer());
  server?.emit("connection", early);
  const accepted: Socket[] = [];
  server?.on("connection", (socket) => accepted.push(socket));
  await Promise.resolve();
  const late = await acceptedSocket(t);
  server?.emit("connection", late);
  assert.deepEqual(accepted, [early, late]);
});
