// Takes what proxies send of what they saw, whatever the protocol, and tells it as it came: HTTP/1.1 on 8080, gRPC on 9090.
// GET /received is a JSON list; PUT /behaviour with `answers`, `hangs` or `is gone` says what senders get; only gRPC can be gone,
// and who hangs doesn't read it either.

import { createServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";

const received = [];
let behaviour = "answers";

const http = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  if (request.url === "/ready") return response.end();
  if (request.url === "/received") return response.end(JSON.stringify(received));
  if (request.url === "/behaviour") {
    behave(body.toString());
    return response.end();
  }
  note(request.url, request.headers, body);
  if (behaviour === "hangs") return;
  response.writeHead(request.url.startsWith("/api/v2") ? 202 : 200, { "content-type": "application/json" });
  response.end("{}");
});
http.listen(8080, "0.0.0.0");

const sessions = new Set();
const streams = new Set();
const grpc = createHttp2Server();
grpc.on("session", (session) => {
  sessions.add(session);
  session.on("close", () => sessions.delete(session));
});
grpc.on("stream", (stream, headers) => {
  let rest = Buffer.alloc(0);
  streams.add(stream);
  stream.on("close", () => streams.delete(stream));
  stream.on("error", () => undefined);
  stream.on("data", (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 5 && rest.length >= 5 + rest.readUInt32BE(1)) {
      const length = rest.readUInt32BE(1);
      note(headers[":path"], headers, rest.subarray(5, 5 + length));
      rest = rest.subarray(5 + length);
    }
  });
  if (behaviour === "hangs") stream.pause();
  stream.on("end", () => {
    if (behaviour === "hangs" || stream.destroyed) return;
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(Buffer.alloc(5));
  });
});
grpc.listen(9090, "0.0.0.0");

function behave(wanted) {
  if (wanted === "is gone" && grpc.listening) {
    grpc.close();
    for (const session of sessions) session.destroy();
  }
  if (wanted !== "is gone" && !grpc.listening) grpc.listen(9090, "0.0.0.0");
  behaviour = wanted;
  for (const stream of streams) wanted === "hangs" ? stream.pause() : stream.resume();
}

function note(path, headers, body) {
  received.push({ path, headers: { ...headers }, body: body.toString("base64") });
}
