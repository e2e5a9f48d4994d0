// Stands in for httpbin: `httpbin.mjs PORT`. Answers /status/CODE, /delay/SECONDS, /headers, /ip and /get.

import { setTimeout as wait } from "node:timers/promises";
import { json, serve } from "./http-stand-in.mjs";

const MAX_DELAY_SECONDS = 10;
const [port = "8080"] = process.argv.slice(2);

const pages = {
  status: ([code]) => ({ status: Number(code), body: code === "418" ? "I'm a teapot!\n" : "" }),
  async delay([seconds], request) {
    await wait(Math.min(Number(seconds), MAX_DELAY_SECONDS) * 1_000);
    return pages.get([], request);
  },
  headers: (_, request) => json({ headers: namedAsHttpbinDoes(request.headers) }),
  ip: (_, request) => json({ origin: request.socket.remoteAddress }),
  get: (_, request) => json({ url: request.url, headers: namedAsHttpbinDoes(request.headers) }),
};

/** `X-Request-Id` for `x-request-id`. */
function namedAsHttpbinDoes(headers) {
  const named = (name) => name.replaceAll(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [named(name), value]));
}

serve(Number(port), (request) => {
  const [name, ...words] = new URL(request.url, "http://httpbin").pathname.slice(1).split("/");
  const page = Object.hasOwn(pages, name) ? pages[name] : undefined;
  return page?.(words, request) ?? { status: 404 };
});
