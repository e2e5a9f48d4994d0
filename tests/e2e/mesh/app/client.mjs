// The caller of these tests, inside a pod's namespaces: reads commands from standard input, one JSON value a
// line, and answers in the same way. Ends with its input.

import { Agent as HttpAgent, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { sayAll, talk } from "./grpc-echo.mjs";

const TIMEOUT_MS = 15_000;
const agents = { "http:": new HttpAgent({ keepAlive: true }), "https:": new HttpsAgent({ keepAlive: true }) };
const loads = new Map();

const commands = {
  request: ({ options }) => send(options),
  many: ({ count, concurrency, options }) => many(count, concurrency, options),
  tcp: ({ options }) => exchange(options),
  websocket: ({ url, messages }) => talkOverWebSocket(url, messages),
  grpc: ({ target, messages, isStream }) => (isStream ? talk : sayAll)(target, messages),
  startLoad: ({ load, options, connections, pauseMs }) => startLoad(load, { options, connections, pauseMs }),
  tallyOf: ({ load }) => loads.get(load).tally,
  async stopLoad({ load }) {
    const { tally, stop } = loads.get(load);
    await stop();
    return tally;
  },
};

/** Never rejects: what went wrong is `error`. `host`: the name asked for, in place of the URL's. */
function send(
  { url, method = "GET", headers = {}, body, host, ca, timeoutMs = TIMEOUT_MS, isNew = false },
  agent,
) {
  const { protocol, hostname, port, pathname, search } = new URL(url);
  const start = performance.now();
  const options = {
    hostname,
    port,
    path: pathname + search,
    method,
    headers: host === undefined ? headers : { ...headers, host },
    agent: isNew ? false : (agent ?? agents[protocol]),
    timeout: timeoutMs,
    // As browsers and curl do.
    ...(protocol === "https:" ? { ca, servername: host ?? hostname, ALPNProtocols: ["http/1.1"] } : {}),
  };
  return new Promise((resolve) => {
    const outcome = { status: 0, headers: {}, body: "" };
    const fail = (error) =>
      resolve({ ...outcome, error: error.code ?? error.message, ms: performance.now() - start });
    const outgoing = (protocol === "https:" ? requestHttps : requestHttp)(options, (response) => {
      outcome.status = response.statusCode;
      outcome.headers = response.headers;
      const certificate = response.socket.getPeerCertificate?.();
      const seen = certificate ? { serial: certificate.serialNumber } : {};
      response.setEncoding("utf8");
      response.on("data", (text) => {
        outcome.body += text;
      });
      response.on("error", fail);
      response.on("end", () => resolve({ ...outcome, ...seen, ms: performance.now() - start }));
    });
    outgoing.on("timeout", () => outgoing.destroy(Object.assign(new Error("timeout"), { code: "TIMEOUT" })));
    outgoing.on("error", fail);
    outgoing.end(body);
  });
}

function newTally() {
  return {
    total: 0,
    byStatus: {},
    byVersion: {},
    byPod: {},
    byEdit: {},
    firstSeenMs: {},
    failures: [],
    last: {},
  };
}

function count(tally, { status, headers, error, body }) {
  const add = (counts, key) => {
    if (key !== undefined) counts[key] = (counts[key] ?? 0) + 1;
  };
  tally.total += 1;
  add(tally.byStatus, error ?? status);
  add(tally.byVersion, headers["x-version"]);
  add(tally.byPod, headers["x-pod"]);
  add(tally.byEdit, headers["x-edit"]);
  const edit = headers["x-edit"];
  if (edit !== undefined) tally.firstSeenMs[edit] ??= Date.now();
  tally.last = { version: headers["x-version"], edit };
  const isFailure = error !== undefined || status < 200 || status > 299;
  if (isFailure && tally.failures.length < 20)
    tally.failures.push({ status, error, body: body.slice(0, 200) });
}

async function many(total, concurrency, options) {
  const tally = newTally();
  let left = total;
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      count(tally, await send(options));
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return tally;
}

/** Each connection asks again `pauseMs` after the answer, by turns with GET and with POST and a body. */
function startLoad(name, { options, connections, pauseMs }) {
  const tally = newTally();
  let isStopping = false;
  const worker = async (index) => {
    const agent = new (options.url.startsWith("https:") ? HttpsAgent : HttpAgent)({
      keepAlive: true,
      maxSockets: 1,
    });
    for (let turn = index; !isStopping; turn += 1) {
      const kind = turn % 2 === 0 ? { method: "GET" } : { method: "POST", body: `body ${turn}` };
      count(tally, await send({ ...options, ...kind }, agent));
      await wait(pauseMs);
    }
    agent.destroy();
  };
  const workers = Promise.all(Array.from({ length: connections }, (_, index) => worker(index)));
  const stop = () => {
    isStopping = true;
    return workers;
  };
  loads.set(name, { tally, stop });
}

/** Sends, and reads until `until` has come, the other side has ended, or time is up. */
function exchange({ host, port, send: text, bytes, tls, until, timeoutMs = TIMEOUT_MS }) {
  return new Promise((resolve) => {
    let received = "";
    const { alpn, ...credentials } = tls ?? {};
    // Who the server is doesn't matter to an attacker.
    const socket = tls
      ? connectTls({ host, port, ...credentials, ALPNProtocols: alpn, rejectUnauthorized: false })
      : connect({ host, port });
    const end = (extra) => {
      socket.destroy();
      resolve({ received, ...extra });
    };
    socket.setTimeout(timeoutMs, () => end({ error: "TIMEOUT" }));
    socket.on(tls ? "secureConnect" : "connect", () => {
      if (text !== undefined) socket.write(text);
      if (bytes !== undefined) socket.write(Buffer.from(bytes, "base64"));
    });
    socket.on("data", (bytes) => {
      received += bytes.toString("utf8");
      if (until !== undefined && received.includes(until)) end({});
    });
    socket.on("error", (error) => end({ error: error.code }));
    socket.on("end", () => end({ error: "ENDED" }));
  });
}

/** Node's own client, behind --experimental-websocket in Node 20. */
function talkOverWebSocket(url, messages) {
  return new Promise((resolve, reject) => {
    const socket = new globalThis.WebSocket(url);
    const replies = [];
    const rest = [...messages];
    socket.onopen = () => socket.send(rest.shift());
    socket.onmessage = ({ data }) => {
      replies.push(data);
      const next = rest.shift();
      if (next === undefined) socket.close();
      else socket.send(next);
    };
    socket.onerror = () => reject(new Error(`WebSocket ${url} failed`));
    socket.onclose = () => resolve(replies);
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, command, ...input } = JSON.parse(line);
  Promise.resolve()
    .then(() => commands[command](input))
    .then(
      (result) => ({ id, result: result ?? null }),
      (error) => ({ id, failure: error.message }),
    )
    .then((reply) => process.stdout.write(`${JSON.stringify(reply)}\n`));
}
process.exit(0);
