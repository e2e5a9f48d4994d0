// The server of these tests: HTTP with WebSocket on 8080, gRPC on 9090, TCP on 9000, and on 9001 TCP where the
// server speaks first. Says of itself what VERSION and POD_NAME say; never logs.

import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { createServer as createTcpServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { serveGrpcEcho } from "./grpc-echo.mjs";
import { acceptWebSocket } from "./websocket-echo.mjs";

const { VERSION: version = "none", POD_NAME: pod = "none", TLS_DIRECTORY: tlsDirectory } = process.env;
const countsByKey = new Map();

/**
 * Answers with what it was asked. Query: `delay=MS`, `status=CODE`, `fail=N&key=K` (the first N requests of K
 * get 503), `failing=VERSION` (that one gives 503), `count=K` (how many requests of K came, without being one).
 */
async function answer(request, response) {
  const url = new URL(request.url, "http://echo");
  const query = url.searchParams;
  const body = await readBody(request);
  const key = query.get("key") ?? "";
  const attempt = (countsByKey.get(key) ?? 0) + 1;
  if (!query.has("count")) countsByKey.set(key, attempt);
  if (query.has("delay")) await wait(Number(query.get("delay")));
  const isFailing = attempt <= Number(query.get("fail") ?? 0) || query.get("failing") === version;
  const said = {
    version,
    pod,
    method: request.method,
    path: request.url,
    protocol: request.httpVersion,
    headers: request.headers,
    body,
    attempt,
    count: countsByKey.get(query.get("count") ?? key) ?? 0,
  };
  response.writeHead(isFailing ? 503 : Number(query.get("status") ?? 200), {
    "content-type": "application/json",
    "x-version": version,
    "x-pod": pod,
  });
  response.end(JSON.stringify(said));
}

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

function serveHttp(server, port) {
  server.on("request", (request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.on("upgrade", acceptWebSocket);
  // Sidecars keep their connections: the server must not end one that a request is on its way in.
  server.keepAliveTimeout = 0;
  server.listen(port);
}

function serveTcp(port, onConnection) {
  createTcpServer((socket) => {
    socket.on("error", () => socket.destroy());
    onConnection(socket);
  }).listen(port);
}

const echoTo = (socket) => socket.on("data", (bytes) => socket.write(`${version}:${bytes.toString("utf8")}`));

serveHttp(createHttpServer(), 8080);
serveGrpcEcho(9090, version);
serveTcp(9000, echoTo);
serveTcp(9001, (socket) => {
  socket.write(`hello from ${version}\n`);
  echoTo(socket);
});
if (tlsDirectory !== undefined) {
  const read = (name) => readFileSync(`${tlsDirectory}/${name}`);
  serveHttp(createHttpsServer({ cert: read("tls.crt"), key: read("tls.key") }), 8443);
}
process.on("SIGTERM", () => process.exit(0));
