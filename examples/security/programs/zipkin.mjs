// Stands in for Zipkin where no container runtime is: takes spans on port 9411, and tells the traces and the services that it
// knows, by Zipkin's API.

import { createServer } from "node:http";

const MAX_SPANS = 10_000;
const MAX_BODY_BYTES = 5 * 1_048_576;

let spans = [];

createServer(async (request, response) => {
  const { pathname } = new URL(request.url, "http://zipkin");
  if (request.method === "POST" && pathname === "/api/v2/spans") return take(request, response);
  if (pathname === "/api/v2/services") return tell(response, services());
  if (pathname === "/api/v2/traces") return tell(response, traces());
  response.writeHead(404).end();
}).listen(9411);

process.on("SIGTERM", () => process.exit(0));

async function take(request, response) {
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) return response.writeHead(413).end();
    chunks.push(chunk);
  }
  try {
    spans = [...spans, ...JSON.parse(Buffer.concat(chunks).toString())].slice(-MAX_SPANS);
    response.writeHead(202).end();
  } catch {
    response.writeHead(400).end();
  }
}

function services() {
  return [...new Set(spans.flatMap(({ localEndpoint }) => localEndpoint?.serviceName ?? []))].sort();
}

function traces() {
  const byTrace = new Map();
  for (const span of spans) byTrace.set(span.traceId, [...(byTrace.get(span.traceId) ?? []), span]);
  return [...byTrace.values()];
}

function tell(response, value) {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
}
