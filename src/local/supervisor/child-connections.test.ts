import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { ManualClock } from "../../core/clock.ts";
import { silentLogger } from "../../core/logger.ts";
import { passConnections } from "./child-connections.ts";

const MAX_WAITING = 256;
const MAX_WAIT_MS = 10_000;

/** Answers each connection with the name that it came under. */
const SERVER_SCRIPT = `
process.on("message", ({ name }, socket) => socket.end("served " + name));
process.send("started");
`;

async function startChild(t: TestContext): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["-e", SERVER_SCRIPT], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  t.after(() => child.kill("SIGKILL"));
  await once(child, "message");
  return child;
}

async function startPassing(t: TestContext) {
  const clock = new ManualClock();
  const errors: string[] = [];
  const log = { ...silentLogger, error: (fields: object) => errors.push(JSON.stringify(fields)) };
  const server = createServer();
  let child: ChildProcess | undefined;
  const passing = passConnections(server, { name: "xds", receiver: () => child, clock, log });
  t.after(() => passing.close());
  await once(server.listen(0, "127.0.0.1"), "listening");
  const dial = async (): Promise<Socket> => {
    const accepted = once(server, "connection");
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    t.after(() => socket.destroy());
    socket.on("error", () => undefined);
    await accepted;
    return socket;
  };
  const release = (next: ChildProcess) => {
    child = next;
    passing.release();
  };
  return { clock, errors, server, dial, release };
}

async function answerOf(socket: Socket): Promise<string> {
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  await once(socket, "close");
  return text;
}

test("passConnections() holds who comes before there is a receiver, and cuts nobody", async (t) => {
  const { clock, dial, release } = await startPassing(t);
  const early = [await dial(), await dial()];
  clock.advance(MAX_WAIT_MS - 1);
  const answers = early.map(answerOf);
  release(await startChild(t));
  const late = await answerOf(await dial());
  assert.deepEqual([...(await Promise.all(answers)), late], Array(3).fill("served xds"));
});

test("passConnections() lets nobody wait for ever, and only so many at once", async (t) => {
  const { clock, dial } = await startPassing(t);
  const sockets: Socket[] = [];
  for (let count = 0; count < MAX_WAITING; count += 1) sockets.push(await dial());
  const [first] = sockets;
  assert.ok(first !== undefined && !first.closed);
  assert.equal(await answerOf(await dial()), "", "one too many");
  const ended = sockets.map(answerOf);
  clock.advance(MAX_WAIT_MS);
  assert.deepEqual(new Set(await Promise.all(ended)), new Set([""]));
  const again = await dial();
  assert.ok(!again.closed, "there is room again");
});

test("passConnections() goes on when a connection couldn't be accepted", async (t) => {
  const { errors, server, dial, release } = await startPassing(t);
  for (const code of ["EMFILE", "ENFILE"]) server.emit("error", new Error(`accept ${code}`));
  assert.equal(errors.length, 2);
  release(await startChild(t));
  assert.equal(await answerOf(await dial()), "served xds");
});
