// A token issuer's web side for tests: OpenID Connect discovery, and the keys that were last PUT; HTTP status 500 before.

import { createServer } from "node:http";

const { ISSUER: issuer } = process.env;
let keys;

createServer(async (request, response) => {
  if (request.method === "PUT") {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    keys = Buffer.concat(chunks).toString("utf8");
    response.end();
  } else if (request.method === "DELETE") {
    keys = undefined;
    response.end();
  } else if (request.url === "/.well-known/openid-configuration") {
    response.end(JSON.stringify({ issuer, jwks_uri: `${issuer}/keys` }));
  } else if (request.url === "/keys" && keys !== undefined) response.end(keys);
  else response.writeHead(request.url === "/keys" ? 500 : 404).end();
}).listen(8080);
