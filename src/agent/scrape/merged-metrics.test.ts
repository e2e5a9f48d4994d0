import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { type TestContext, test } from "node:test";
import type { AppDialer } from "../app-dialer.ts";
import { parseAppPages, type ScrapeRequest } from "./app-page.ts";
import { mergeMetrics, restoreIstioNames, wholeLines } from "./merged-metrics.ts";
import { ScrapeFailures } from "./scrape-failures.ts";

async function* chunksOf(...chunks: readonly string[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

async function textOf(chunks: AsyncIterable<Buffer>): Promise<string> {
  const read: Buffer[] = [];
  for await (const chunk of chunks) read.push(chunk);
  return Buffer.concat(read).toString();
}

test("restoreIstioNames() takes Envoy's prefix from Istio's metrics alone, however the page is cut", async () => {
  const text = [
    "# TYPE envoy_istio_requests_total counter",
    'envoy_istio_requests_total{reporter="source",destination="envoy_istio_x"} 1',
    "envoy_cluster_upstream_rq 2",
    "# HELP envoy_istio_build known",
    "",
  ].join("\n");
  const expected = [
    "# TYPE istio_requests_total counter",
    'istio_requests_total{reporter="source",destination="envoy_istio_x"} 1',
    "envoy_cluster_upstream_rq 2",
    "# HELP istio_build known",
    "",
  ].join("\n");
  for (let at = 0; at <= text.length; at++) {
    const cut = chunksOf(text.slice(0, at), text.slice(at));
    assert.equal(await textOf(restoreIstioNames(wholeLines(cut))), expected, `cut at ${at}`);
  }
});

test("wholeLines() ends the last line", async () => {
  assert.equal(await textOf(wholeLines(chunksOf("a 1\nb", " 2"))), "a 1\nb 2\n");
});

type AppAnswer = (request: IncomingMessage, response: ServerResponse) => void;

/** A page of each app's, merged after one of Envoy's, as a scraper gets it. */
async function merge(
  t: TestContext,
  { apps, request = {}, envoy = "# TYPE envoy_up counter\nenvoy_up 1\n" }: MergeCase,
) {
  const ports = await Promise.all(apps.map((app) => listening(t, app)));
  const failures = new ScrapeFailures(({ source, reason }) => told.push(`${source}: ${reason}`));
  const told: string[] = [];
  const { contentType, chunks } = await mergeMetrics(
    {
      readEnvoyMetrics: () => chunksOf(envoy),
      requestMetrics: () => ["# TYPE istio_requests_total counter\nistio_requests_total 2\n"],
      agentMetrics: () => "own 3\n",
      app: { pages: ports.map((port, at) => ({ port, path: `/m${at}` })), dialer },
      failures,
    },
    request,
  );
  const text = await textOf(chunks);
  const failureText = failures.text();
  return { contentType, text, told: told.map((one) => one.replace(/ \d{4,5}:/, ":")), failureText };
}

interface MergeCase {
  readonly apps: readonly AppAnswer[];
  readonly request?: ScrapeRequest;
  readonly envoy?: string;
}

const OWN =
  "# TYPE envoy_up counter\nenvoy_up 1\n# TYPE istio_requests_total counter\nistio_requests_total 2\nown 3\n";
const OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TEXT = "text/plain; version=0.0.4; charset=utf-8";
const PROMETHEUS = {
  accept: "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
};

const dialer: AppDialer = {
  dial: async (port) => {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return socket;
  },
};

async function listening(t: TestContext, app: AppAnswer): Promise<number> {
  const server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function page(text: string, contentType = TEXT): AppAnswer {
  return (_, response) => response.writeHead(200, { "content-type": contentType }).end(text);
}

test("mergeMetrics() leaves out what can't be read, and says so", async () => {
  const failures = new ScrapeFailures(() => undefined);
  const { chunks } = await mergeMetrics(
    {
      async *readEnvoyMetrics() {
        yield Buffer.from("whole 1\nbrok");
        throw new Error("gone");
      },
      requestMetrics: () => [],
      agentMetrics: () => "own 1\n",
      failures,
    },
    {},
  );
  assert.equal(await textOf(chunks), "whole 1\nown 1\n");
  assert.match(failures.text(), /\{type="envoy"\} 1\n.*\{type="application"\} 0\n/);
});

test("mergeMetrics() puts several pages behind the proxy's, and asks each as it was asked", async (t) => {
  const asked: unknown[] = [];
  const app =
    (text: string): AppAnswer =>
    (request, response) => {
      const { accept, "user-agent": agent, "x-prometheus-scrape-timeout-seconds": wait } = request.headers;
      asked.push([request.url, accept, agent, wait]);
      page(text)(request, response);
    };
  const protobuf =
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
  const request = {
    accept: `${protobuf}, ${PROMETHEUS.accept}`,
    userAgent: "Prometheus/2",
    timeoutSeconds: "10",
  };
  const { text, contentType } = await merge(t, { apps: [app("a 1\n"), app("b 2")], request });
  assert.deepEqual([text, contentType], [`${OWN}a 1\nb 2\n`, TEXT]);
  const others = [PROMETHEUS.accept, "Prometheus/2", "10"];
  assert.deepEqual(
    new Set(asked),
    new Set([
      ["/m0", ...others],
      ["/m1", ...others],
    ]),
  );
});

const openMetrics = `# TYPE hits counter
# HELP hits Times
hits_total{code="200"} 5 1700000000.5 # {trace_id="a b"} 0.5 1700000000.1
hits_created 1.7e9
# TYPE build info
build_info{version="1"} 1
# UNIT size_bytes bytes
# TYPE size_bytes unknown
size_bytes 1
# EOF
`;

test("mergeMetrics() is OpenMetrics where all apps speak it and the scraper takes it", async (t) => {
  const apps = [page("# TYPE a counter\na_total 1\n# EOF\n", OPENMETRICS), page(openMetrics, OPENMETRICS)];
  const { text, contentType, told } = await merge(t, {
    apps,
    request: PROMETHEUS,
    envoy: "# TYPE x counter\nx 1\n\n",
  });
  const own = "# TYPE x unknown\nx 1\n# TYPE istio_requests counter\nistio_requests_total 2\nown 3\n";
  assert.equal(text, `${own}# TYPE a counter\na_total 1\n${openMetrics}`);
  assert.deepEqual([contentType, told], [OPENMETRICS, []]);
});

const asText = `# TYPE hits_total counter
# HELP hits_total Times
hits_total{code="200"} 5 1700000000500
hits_created 1.7e9
# TYPE build_info gauge
build_info{version="1"} 1
# TYPE size_bytes untyped
size_bytes 1
`;

test("mergeMetrics() turns OpenMetrics into text for who doesn't take it, or where another app speaks text", async (t) => {
  const alone = await merge(t, { apps: [page(openMetrics, OPENMETRICS)] });
  assert.deepEqual([alone.text, alone.contentType], [OWN + asText, TEXT]);
  const mixed = await merge(t, {
    apps: [page(openMetrics, OPENMETRICS), page("b 1\n")],
    request: PROMETHEUS,
  });
  assert.deepEqual([mixed.text, mixed.contentType], [`${OWN}${asText}b 1\n`, TEXT]);
});

test("mergeMetrics() describes no family twice", async (t) => {
  const twice = '# HELP a A\n# TYPE a gauge\na 1\n# TYPE envoy_up gauge\nenvoy_up{by="app"} 1\n';
  const { text } = await merge(t, { apps: [page(twice), page(twice)] });
  const last = 'a 1\nenvoy_up{by="app"} 1\n';
  assert.equal(text, `${OWN}# HELP a A\n# TYPE a gauge\n${last}${last}`);
});

test("mergeMetrics() keeps no line that a Prometheus would refuse the page for", async (t) => {
  const good = [
    'a{b="\\"}\\\\,",c="d",} 1',
    "a 1 1700000000000",
    "a\t+Inf",
    "a NaN",
    "a 1e-9",
    "a{} .5",
    "a:b 0",
  ];
  const bad = [
    ...["<html>", "a", "a 1 x", 'a{b="c} 1', "a{b=c} 1", "1a 1", 'a{b="c"} 1 # {d="e"} 1', "# TYPE a thing"],
    ...[`a ${" ".repeat(60_000)}x`, `a{${'b="c",'.repeat(10_000)}`, `a{b="${"c".repeat(70_000)}"} 1`],
  ];
  const { text, told } = await merge(t, { apps: [page([...bad, ...good].join("\r\n"), "text/html")] });
  assert.equal(text, `${OWN}${good.join("\n")}\n`);
  assert.deepEqual(told, ["application: it has a line that isn't Prometheus's text: \"<html>\""]);
});

test("mergeMetrics() is whole without an app that hangs, breaks off, refuses or has too much to say", async (t) => {
  const line = `a{b="${"x".repeat(1_000)}"} 1\n`;
  const hangingBody: AppAnswer = (_, response) => void response.write("first 1\nsec");
  const endless: AppAnswer = (_, response) => {
    const write = () => {
      while (response.write(line));
    };
    response.on("drain", write);
    write();
  };
  const request = { timeoutSeconds: "0.4" };
  const cases: readonly (readonly [AppAnswer, string, RegExp])[] = [
    [() => undefined, "", /timeout|aborted/],
    [hangingBody, "first 1\n", /timeout|aborted/],
    [(_, response) => void response.writeHead(500).end("a 1\n"), "", /HTTP 500/],
    [(_, response) => void response.writeHead(302, { location: "http://x/" }).end(), "", /HTTP 302/],
    [page("{}", "application/json"), "", /application\/json can't be merged/],
    [(_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end("x"), "", /gzip/],
    [
      (_, response) =>
        void response.writeHead(200, { "content-length": 100 }).write("a 1\n", () => response.destroy()),
      "a 1\n",
      /aborted/,
    ],
  ];
  for (const [app, expected, reason] of cases) {
    const { text, told, failureText } = await merge(t, { apps: [app], request });
    assert.equal(text, OWN + expected, String(reason));
    assert.match(told.join(), reason);
    assert.match(failureText, /type="application"\} 1\n/);
  }
  const { text, told } = await merge(t, { apps: [endless] });
  assert.ok(text.startsWith(OWN + line) && text.endsWith(line));
  assert.ok(text.length < 11 * 1024 * 1024);
  assert.match(told.join(), /larger than/);
});

test("ScrapeFailures logs what goes wrong once, and counts each time", () => {
  const told: string[] = [];
  const failures = new ScrapeFailures(({ source, reason }) => told.push(`${source}: ${reason}`));
  for (const reason of ["refused", "refused", "HTTP 500"])
    failures.note("application", { place: "80", reason });
  failures.note("application", { place: "81", reason: "refused" });
  assert.deepEqual(told, ["application 80: refused", "application 80: HTTP 500", "application 81: refused"]);
  assert.match(failures.text(), /\{type="application"\} 4\n/);
});

test("parseAppPages() reads the annotations as Prometheus and Istio do", () => {
  const targets = [{ port: "1", path: "/a" }, { port: "2" }];
  const cases: readonly (readonly [string, unknown])[] = [
    ['{"scrape":"true","path":"/m","port":"9102"}', [{ port: 9102, path: "/m" }]],
    ['{"scrape":"true","path":"","port":""}', [{ port: 80 }]],
    ['{"scrape":"","path":"","port":"9102"}', [{ port: 9102 }]],
    ['{"scrape":"false","path":"","port":"9102"}', []],
    ['{"scrape":"","path":"/m","port":""}', []],
    [JSON.stringify({ scrape: "", port: "9", targets }), [{ port: 1, path: "/a" }, { port: 2 }]],
    [JSON.stringify({ scrape: "false", targets }), []],
    ["", []],
  ];
  for (const [text, expected] of cases) assert.deepEqual(parseAppPages(text), expected, text);
});
