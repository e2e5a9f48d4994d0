// All apps of the shop as plain processes on loopback, without any mesh: what they do by themselves.

import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createRatingsClient } from "./src/ratings/ratings-client.ts";
import type { Rating } from "./src/ratings/ratings-service.ts";
import type { BookReviews } from "./src/reviews/book-reviews.ts";

const DEADLINE_MS = 20_000;
const hasRedis = spawnSync("redis-server", ["--version"]).status === 0;

interface App {
  readonly process: ChildProcess;
  /** `127.0.0.1:PORT` */
  readonly address: string;
}

const apps = new Map<string, App>();
const children: ChildProcess[] = [];
let folder = "";

async function startApp(name: string, app: string, env: Record<string, string> = {}): Promise<App> {
  const child = spawn(process.execPath, [join(folder, `${app}.cjs`)], {
    env: { PATH: process.env.PATH ?? "", PORT: "0", POD_NAME: `${name}-0`, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [, port] = await printed(child, /listening on (\d+)/);
  const started = { process: child, address: `127.0.0.1:${port}` };
  apps.set(name, started);
  return started;
}

async function startRedis(): Promise<string> {
  const port = String(await freePort());
  const options = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", folder];
  await printed(spawn("redis-server", options, { stdio: ["ignore", "pipe", "inherit"] }), /Ready to accept/);
  return `127.0.0.1:${port}`;
}

/** Resolves when the process has printed what matches; rejects when it ends before. */
function printed(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  children.push(child);
  return new Promise((resolve, reject) => {
    let output = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      const match = pattern.exec(output);
      if (match !== null) resolve(match);
    });
    child.once("exit", () => reject(new Error(`ended before it printed ${pattern}: ${output}`)));
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

function addressOf(name: string): string {
  const app = apps.get(name);
  assert.ok(app, `${name} runs`);
  return app.address;
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), `meltemi-bookshop-${process.pid}-`));
  const builder: { buildBookshop(root: undefined, outdir: string): Promise<void> } = await import(
    new URL("build.mjs", import.meta.url).href
  );
  await builder.buildBookshop(undefined, folder);
  const redis = hasRedis ? await startRedis() : "127.0.0.1:1";
  const [catalog, stock, ratings, cart] = await Promise.all([
    startApp("catalog", "catalog"),
    startApp("stock", "stock"),
    startApp("ratings", "ratings"),
    startApp("cart", "cart", { REDIS_ADDR: redis }),
  ]);
  const addresses = {
    CATALOG_ADDR: catalog.address,
    STOCK_ADDR: stock.address,
    RATINGS_ADDR: ratings.address,
    CART_ADDR: cart.address,
  };
  await Promise.all(
    ["v1", "v2", "v3"].map((version) =>
      startApp(`reviews-${version}`, "reviews", { ...addresses, SERVICE_VERSION: version }),
    ),
  );
  await Promise.all([
    startApp("storefront", "storefront", { ...addresses, REVIEWS_ADDR: addressOf("reviews-v3") }),
    startApp("lonely storefront", "storefront", { ...addresses, REVIEWS_ADDR: "127.0.0.1:1" }),
  ]);
});

after(async () => {
  for (const child of children) child.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
});

async function get(name: string, path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`http://${addressOf(name)}${path}`, {
    redirect: "manual",
    signal: AbortSignal.timeout(DEADLINE_MS),
    ...init,
  });
}

function postForm(path: string, fields: Record<string, string>, cookie = ""): Promise<Response> {
  return get("storefront", path, { method: "POST", body: new URLSearchParams(fields), headers: { cookie } });
}

test("storefront shows the book, its stock and the version of reviews that answered", async () => {
  const response = await get("storefront", "/books/odyssey");
  const page = await response.text();
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("x-reviews-version"), "v3");
  assert.match(page, /<h1>The Odyssey<\/h1>/);
  assert.match(page, /class="version v3"/);
  assert.match(page, /class="stars red"/);
  assert.match(page, /data-stock="odyssey">(\d+ left|sold out)</);
});

test("storefront still serves the page when reviews don't answer", async () => {
  const response = await get("lonely storefront", "/");
  assert.equal(response.status, 200);
  assert.match(await response.text(), /Not available just now \(no answer\)/);
});

test("storefront escapes what a visitor gives", async () => {
  const response = await get("storefront", "/", { headers: { "end-user": '<b>"ann"' } });
  assert.match(await response.text(), /Hello, <b>&lt;b&gt;&quot;ann&quot;<\/b>/);
});

test("storefront signs in by a cookie", async () => {
  const response = await postForm("/user", { name: "Ann" });
  assert.equal(response.status, 303);
  assert.match(response.headers.get("set-cookie") ?? "", /^user=ann;/);
});

for (const [version, color] of [
  ["v1", undefined],
  ["v2", "black"],
  ["v3", "red"],
] as const) {
  test(`reviews ${version} shows ${color ?? "no"} stars`, async () => {
    const response = await get(`reviews-${version}`, "/books/tempest/reviews");
    const reviews = (await response.json()) as BookReviews;
    assert.equal(reviews.version, version);
    assert.equal(reviews.pod, `reviews-${version}-0`);
    assert.equal(reviews.reviews.length, 2);
    assert.equal(reviews.stars?.kind === "shown" ? reviews.stars.color : undefined, color);
  });
}

test("cart keeps in Redis what was added", { skip: hasRedis ? false : "no redis-server here" }, async () => {
  const first = await get("storefront", "/");
  const cookie = (first.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
  assert.match(cookie, /^session=/);
  await postForm("/cart", { bookId: "alone" }, cookie);
  await postForm("/cart", { bookId: "alone" }, cookie);
  const page = await (await get("storefront", "/", { headers: { cookie } })).text();
  assert.match(page, /<b class="count">2<\/b>/);
  assert.match(page, /2 × Sailing Alone Around the World/);
});

test("cart refuses a body without a book", async () => {
  assert.equal((await get("cart", "/carts/x/items", { method: "POST", body: "{}" })).status, 400);
});

test("ratings streams all ratings, then each change", async () => {
  const client = createRatingsClient(addressOf("ratings"));
  const stream = client.watchRatings({});
  const seen: Rating[] = [];
  const changed = new Promise<Rating>((resolve, reject) => {
    stream.on("error", reject);
    stream.on("data", (rating: Rating) => {
      seen.push(rating);
      if (seen.length === 6) client.rate("leagues", 1, {}).catch(reject);
      if (seen.length === 7) resolve(rating);
    });
  });
  const { bookId, averageStars, count } = await changed;
  assert.deepEqual({ bookId, averageStars, count }, { bookId: "leagues", averageStars: 11 / 3, count: 3 });
  stream.on("error", () => undefined);
  stream.cancel();
});

test("ratings refuses six stars", async () => {
  const client = createRatingsClient(addressOf("ratings"));
  await assert.rejects(client.rate("leagues", 6, {}), /INVALID_ARGUMENT/);
});

test("storefront relays the stream of ratings as events", async () => {
  const response = await get("storefront", "/ratings");
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  const reader = response.body?.getReader();
  const first = await reader?.read();
  assert.match(Buffer.from(first?.value ?? []).toString(), /^data: {"bookId":"odyssey"/);
  await reader?.cancel();
});

test("stock tells a WebSocket all copies, then each change", async () => {
  const socket = await openWebSocket("/stock");
  assert.equal(Object.keys(JSON.parse(await socket.next())).length, 6);
  const taken = await (await get("stock", "/stock/odyssey/take", { method: "POST" })).text();
  // Other customers buy, too.
  let change = "";
  while (change !== taken.trim()) change = await socket.next();
  socket.end();
});

test("stock echoes what a WebSocket sends, short and long", async () => {
  const socket = await openWebSocket("/echo");
  for (const text of ["ahoy", "long ".repeat(2_000)]) {
    socket.send(text);
    assert.equal(await socket.next(), text);
  }
  socket.end();
});

test("services pass trace headers on", async () => {
  const seen: IncomingMessage["headers"][] = [];
  const { createServer: createHttpServer } = await import("node:http");
  const recorder = createHttpServer((message, response) => {
    seen.push(message.headers);
    response.end("[]");
  }).listen(0, "127.0.0.1");
  await once(recorder, "listening");
  const address = recorder.address();
  const port = typeof address === "object" ? address?.port : 0;
  await startApp("traced storefront", "storefront", {
    CATALOG_ADDR: `127.0.0.1:${port}`,
    CART_ADDR: "127.0.0.1:1",
  });
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  await get("traced storefront", "/", { headers: { traceparent, "x-request-id": "r1", "x-private": "p" } });
  recorder.close();
  recorder.closeAllConnections();
  assert.equal(seen[0]?.traceparent, traceparent);
  assert.equal(seen[0]?.["x-request-id"], "r1");
  assert.equal(seen[0]?.["x-private"], undefined);
});

test("catalog finishes the request it has begun when it is told to end", async () => {
  const { process: child, address } = await startApp("ending catalog", "catalog");
  const slow = fetch(`http://${address}/books?delayMs=900`);
  // The request after it is answered, so the slow one has arrived.
  await fetch(`http://${address}/healthz`);
  child.kill("SIGTERM");
  assert.equal((await slow).status, 200);
  const [code] = await once(child, "exit");
  assert.equal(code, 0);
});

interface TestSocket {
  send(text: string): void;
  /** The next text message. */
  next(): Promise<string>;
  end(): void;
}

/** A client of its own, as Node 20 has none: masked frames out, whole text frames in. */
async function openWebSocket(path: string): Promise<TestSocket> {
  const outgoing = request(`http://${addressOf("stock")}${path}`, {
    headers: {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    },
  });
  outgoing.end();
  const [response, socket, head] = await once(outgoing, "upgrade", {
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  // The example of RFC 6455, section 1.3.
  assert.equal(response.headers["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  let received: Buffer = head;
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
  });
  return {
    send: (text) => {
      const payload = Buffer.from(text);
      const length =
        payload.length < 126 ? [0x80 | payload.length] : [0xfe, payload.length >> 8, payload.length & 0xff];
      const mask = Buffer.from([1, 2, 3, 4]);
      const masked = payload.map((byte, position) => byte ^ (mask[position % 4] ?? 0));
      socket.write(Buffer.concat([Buffer.from([0x81, ...length]), mask, masked]));
    },
    next: async () => {
      for (;;) {
        const short = (received[1] ?? 0) & 0x7f;
        const start = short === 126 ? 4 : 2;
        const length = received.length < start ? Infinity : short === 126 ? received.readUInt16BE(2) : short;
        if (received.length >= start + length) {
          const text = received.toString("utf8", start, start + length);
          received = received.subarray(start + length);
          return text;
        }
        await once(socket, "data", { signal: AbortSignal.timeout(DEADLINE_MS) });
      }
    },
    end: () => socket.destroy(),
  };
}
