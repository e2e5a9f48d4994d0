// A server that decides on requests for Envoy's external authorization, over HTTP on port 8000 and over gRPC on port 9000:
// `ext-authz.mjs`. It allows what has the header `x-ext-authz: allow`, tells the application who decided, and logs each
// decision. It has what it needs of gRPC and Protocol Buffers by hand, as it has no packages.

import { createServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";

const HTTP_PORT = 8000;
const GRPC_PORT = 9000;
const HEADER = "x-ext-authz";
const PERMISSION_DENIED = 7;
const FORBIDDEN = 403;

createServer((request, response) => {
  const { method, url, headers } = request;
  request.resume();
  const isAllowed = decide("http", { method, path: url, value: headers[HEADER] });
  response.writeHead(isAllowed ? 200 : FORBIDDEN, resultHeaders("http", isAllowed));
  response.end(isAllowed ? "" : deniedText("http"));
}).listen(HTTP_PORT);

createHttp2Server()
  .on("stream", (stream) => {
    const chunks = [];
    stream.on("data", (chunk) => chunks.push(chunk));
    stream.on("error", () => undefined);
    stream.on("end", () => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(frame(check(Buffer.concat(chunks).subarray(GRPC_FRAME_HEADER_BYTES))));
    });
  })
  .listen(GRPC_PORT);

process.on("SIGTERM", () => process.exit(0));

function decide(protocol, { method, path, value }) {
  const isAllowed = value === "allow";
  console.log(`${protocol}: ${isAllowed ? "allowed" : "denied"} ${method} ${path}`);
  return isAllowed;
}

function resultHeaders(protocol, isAllowed) {
  return { "x-ext-authz-check-result": isAllowed ? "allowed" : "denied", "x-ext-authz-decided-by": protocol };
}

function deniedText(protocol) {
  return `denied by ext_authz over ${protocol}: the header ${HEADER}: allow is missing\n`;
}

/** Takes an envoy.service.auth.v3.CheckRequest, and gives a CheckResponse. */
function check(bytes) {
  const http = field(field(field(bytes, 1), 4), 2);
  const headers = new Map(fields(http, 3).map((entry) => [text(field(entry, 1)), text(field(entry, 2))]));
  const request = { method: text(field(http, 2)), path: text(field(http, 4)), value: headers.get(HEADER) };
  const isAllowed = decide("grpc", request);
  const options = Object.entries(resultHeaders("grpc", isAllowed)).map(([key, value]) =>
    message(1, Buffer.concat([message(1, key), message(2, value)])),
  );
  const headerFields = options.map((option) => message(2, option));
  if (isAllowed) return Buffer.concat([message(1, ""), message(3, Buffer.concat(headerFields))]);
  const denied = [message(1, number(1, FORBIDDEN)), ...headerFields, message(3, deniedText("grpc"))];
  return Buffer.concat([message(1, number(1, PERMISSION_DENIED)), message(2, Buffer.concat(denied))]);
}

const GRPC_FRAME_HEADER_BYTES = 5;

function frame(bytes) {
  const header = Buffer.alloc(GRPC_FRAME_HEADER_BYTES);
  header.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([header, bytes]);
}

const LENGTH_DELIMITED = 2;
const FIXED_BYTES = { 1: 8, 5: 4 };

/** The last one of a number, as Protocol Buffers have it; empty where there is none. */
function field(bytes, wanted) {
  return fields(bytes, wanted).at(-1) ?? Buffer.alloc(0);
}

/** The messages and strings of one number. */
function fields(bytes, wanted) {
  const found = [];
  for (let at = 0; at < bytes.length; ) {
    const [tag, afterTag] = varint(bytes, at);
    const type = tag & 7;
    const [value, afterValue] = type in FIXED_BYTES ? [FIXED_BYTES[type], afterTag] : varint(bytes, afterTag);
    at = type === LENGTH_DELIMITED || type in FIXED_BYTES ? afterValue + value : afterValue;
    if (type === LENGTH_DELIMITED && tag >> 3 === wanted) found.push(bytes.subarray(afterValue, at));
  }
  return found;
}

/** Its value, and where it ends. */
function varint(bytes, start) {
  let value = 0;
  for (let at = start, factor = 1; ; at += 1, factor *= 128) {
    value += (bytes[at] & 127) * factor;
    if (bytes[at] < 128) return [value, at + 1];
  }
}

function text(bytes) {
  return bytes.toString("utf8");
}

function message(number, content) {
  const bytes = Buffer.from(content);
  return Buffer.concat([encodeVarint((number << 3) | LENGTH_DELIMITED), encodeVarint(bytes.length), bytes]);
}

function number(field, value) {
  return Buffer.concat([encodeVarint(field << 3), encodeVarint(value)]);
}

function encodeVarint(value) {
  return value < 128
    ? Buffer.from([value])
    : Buffer.from([(value & 127) | 128, ...encodeVarint(value >>> 7)]);
}
