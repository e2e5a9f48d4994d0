// Holds a TCP connection, a gRPC stream and a WebSocket open and talks over each, until its input ends; then says, as
// one JSON line, how many answers came over each and what went wrong. Arguments: HOST TCP_PORT GRPC_PORT HTTP_PORT.

import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import grpc from "@grpc/grpc-js";

const PAUSE_MS = 20;
const [host, tcpPort, grpcPort, httpPort] = process.argv.slice(2);
let isStopping = false;
process.stdin.resume().on("end", () => {
  isStopping = true;
});

/** `ask` sends one message and resolves with the answer. */
async function talkUntilStopped(failed, ask) {
  const outcome = { count: 0 };
  const talk = async () => {
    while (!isStopping) {
      const answer = await ask(`${outcome.count}`);
      if (!answer.endsWith(`:${outcome.count}`)) throw new Error(`answer ${answer} to ${outcome.count}`);
      outcome.count += 1;
      await wait(PAUSE_MS);
    }
  };
  await Promise.race([talk(), failed]).catch((error) => {
    outcome.error = error.message;
  });
  return outcome;
}

async function overTcp() {
  const socket = connect({ host, port: Number(tcpPort) });
  const failed = new Promise((_, reject) => {
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the TCP connection was closed")));
  });
  failed.catch(() => undefined);
  const outcome = await talkUntilStopped(failed, async (text) => {
    socket.write(text);
    const [bytes] = await once(socket, "data");
    return bytes.toString("utf8");
  });
  socket.destroy();
  return outcome;
}

async function overGrpc() {
  const encoding = {
    requestSerialize: (text) => Buffer.from(text),
    requestDeserialize: (bytes) => bytes.toString("utf8"),
    responseSerialize: (text) => Buffer.from(text),
    responseDeserialize: (bytes) => bytes.toString("utf8"),
  };
  const Talk = { path: "/test.Echo/Talk", requestStream: true, responseStream: true, ...encoding };
  const EchoClient = grpc.makeGenericClientConstructor({ Talk }, "Echo");
  const client = new EchoClient(`${host}:${grpcPort}`, grpc.credentials.createInsecure());
  const call = client.Talk();
  const failed = new Promise((_, reject) => {
    call.on("error", reject);
    call.on("end", () => reject(new Error("the gRPC stream was ended")));
  });
  failed.catch(() => undefined);
  const outcome = await talkUntilStopped(failed, async (text) => {
    call.write(text);
    const [answer] = await once(call, "data");
    return answer;
  });
  client.close();
  return outcome;
}

/** Node's own client, behind --experimental-websocket in Node 20. */
async function overWebSocket() {
  const socket = new globalThis.WebSocket(`ws://${host}:${httpPort}/`);
  const failed = new Promise((_, reject) => {
    socket.onerror = () => reject(new Error("the WebSocket failed"));
    socket.onclose = () => reject(new Error("the WebSocket was closed"));
  });
  failed.catch(() => undefined);
  const opened = new Promise((resolve) => {
    socket.onopen = resolve;
  });
  const outcome = await talkUntilStopped(failed, async (text) => {
    await opened;
    socket.send(`:${text}`);
    const { data } = await new Promise((resolve) => {
      socket.onmessage = resolve;
    });
    return data;
  });
  socket.close();
  return outcome;
}

const [tcp, stream, websocket] = await Promise.all([overTcp(), overGrpc(), overWebSocket()]);
process.stdout.write(`${JSON.stringify({ tcp, grpc: stream, websocket })}\n`, () => process.exit(0));
