// What every HTTP stand-in does: answers by a function, and logs each request as a web server does. Keeps nothing.

import { createServer } from "node:http";
import { createSecureServer } from "node:http2";
import { createServer as createTlsServer } from "node:https";

/**
 * `answer` takes a request and gives `{ status, headers, body }`, now or later; all but the status may be left out.
 * `tls`: options of node:https, for a server that ends TLS; with `isHttp2` it speaks HTTP/2 too.
 */
export function serve(port, answer, tls) {
  const server = createServerFor(tls);
  server.on("request", (request, response) => {
    respond(request, response, answer).catch((error) => {
      console.error(`${request.method} ${request.url}: ${error.message}`);
      response.destroy();
    });
  });
  // Proxies keep their connections: a server that closes an idle one may do so under a request.
  server.keepAliveTimeout = 0;
  server.listen(port);
  process.on("SIGTERM", () => process.exit(0));
}

function createServerFor(tls) {
  if (tls === undefined) return createServer();
  return tls.isHttp2 ? createSecureServer({ ...tls, allowHTTP1: true }) : createTlsServer(tls);
}

export function json(value, status = 200) {
  return {
    status,
    headers: { "content-type": "application/json" },
    body: `${JSON.stringify(value, null, 2)}\n`,
  };
}

async function respond(request, response, answer) {
  request.resume();
  const { status, headers = {}, body = "" } = await answer(request);
  response.writeHead(status, headers);
  response.end(body);
  const { method, url, httpVersion, socket } = request;
  console.log(`${socket.remoteAddress} "${method} ${url} HTTP/${httpVersion}" ${status}`);
}
