// Stands in for nginx with what these tasks say in nginx.conf: servers with `listen` (`ssl` and `http2` too), certificates,
// client certificates and `return`; without `return` every path has the welcome page. Other directives are passed over.

import { readFileSync } from "node:fs";
import { serve } from "./http-stand-in.mjs";

const [file = "/etc/nginx/nginx.conf"] = process.argv.slice(2);
const welcome = "<!DOCTYPE html>\n<html><head><title>Welcome to nginx!</title></head></html>\n";
const unidentified = "<html><head><title>400 No required SSL certificate was sent</title></head></html>\n";

for (const block of serverBlocks(readFileSync(file, "utf8"))) {
  const [port = "80", ...flags] = directive(block, "listen") ?? [];
  const isTls = flags.includes("ssl");
  const verifiesClients = directive(block, "ssl_verify_client")?.[0] === "on";
  const isHttp2 = flags.includes("http2");
  const options = isTls ? { ...tlsOptions(block, verifiesClients), isHttp2 } : undefined;
  serve(Number(port), (request) => answer(request, { block, verifiesClients }), options);
}

/** What stands in the braces of each `server`. */
function serverBlocks(text) {
  const withoutComments = text.replaceAll(/#.*$/gm, "");
  return [...withoutComments.matchAll(/\bserver\s*\{([^}]*)\}/g)].map(([, block]) => block);
}

/** The words after a directive's name; undefined where the block has none. */
function directive(block, name) {
  return new RegExp(`(?:^|[;{\\s])${name}\\s+([^;]+);`).exec(block)?.[1].trim().split(/\s+/);
}

function tlsOptions(block, verifiesClients) {
  const read = (name) => readFileSync(directive(block, name)?.[0] ?? "");
  const pair = { cert: read("ssl_certificate"), key: read("ssl_certificate_key") };
  if (!verifiesClients) return pair;
  // As nginx does, it takes whoever comes and says in HTTP what it misses.
  return { ...pair, ca: read("ssl_client_certificate"), requestCert: true, rejectUnauthorized: false };
}

function answer(request, { block, verifiesClients }) {
  const html = { "content-type": "text/html" };
  if (verifiesClients && !request.socket.authorized)
    return { status: 400, headers: html, body: unidentified };
  const [status, target = ""] = directive(block, "return") ?? [];
  if (status === undefined) return { status: 200, headers: html, body: welcome };
  const host = (request.headers.host ?? "").replace(/:\d+$/, "");
  const location = target.replace("$host", host).replace("$request_uri", request.url);
  return { status: Number(status), headers: { location } };
}
