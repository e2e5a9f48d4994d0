import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttpServer, request as requestHttp } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { buildTestPod } from "../../../tests/support/pod-fixture.ts";
import { createTestStore } from "../../../tests/support/workload-store-fixture.ts";
import { ManualClock } from "../../core/clock.ts";
import { silentLogger } from "../../core/logger.ts";
import { Scraping } from "./scraping.ts";

async function listening(t: TestContext, server: Server): Promise<number> {
  await once(server.listen(0, "127.0.0.1"), "listening");
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

function setUp(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), "meltemi-scraping-"));
  const store = createTestStore();
  const clock = new ManualClock();
  const targetFile = join(directory, "prometheus/targets.json");
  const scraping = new Scraping({ store, targetFile, clock, log: silentLogger });
  t.after(() => {
    scraping.close();
    rmSync(directory, { recursive: true });
  });
  const written = (): readonly { targets: readonly string[]; labels: Record<string, string> }[] =>
    JSON.parse(readFileSync(targetFile, "utf8"));
  return { directory, store, clock, scraping, targetFile, written };
}

function podAt(port: number) {
  const annotations = { "prometheus.io/scrape": "true", "prometheus.io/port": `${port}` };
  const pod = buildTestPod({}, { metadata: { name: "reviews-1", namespace: "shop", annotations } });
  return { ...pod, status: { podIP: "127.0.0.1" } };
}

test("Scraping writes whom to scrape, follows the pods, and names nobody once it is closed", async (t) => {
  const { directory, store, clock, scraping, written } = setUp(t);
  const [relay, admin] = [createServer(), createServer()];
  const ports = [await listening(t, relay), await listening(t, admin)];
  scraping.attachRelay(relay);
  scraping.noteControlPlane(admin);
  store.apply([podAt(9102)]);
  clock.advance(1_000);
  assert.deepEqual(
    written().map(({ targets, labels }) => [...targets, labels.__metrics_path__, labels.instance]),
    [
      [`127.0.0.1:${ports[1]}`, "/metrics", undefined],
      [`127.0.0.1:${ports[0]}`, "/pods/shop/reviews-1", "127.0.0.1:9102"],
    ],
  );
  store.apply([{ ...podAt(9102), status: { phase: "Failed", podIP: "127.0.0.1" } }]);
  clock.advance(1_000);
  assert.equal(written().length, 1);
  assert.deepEqual(readdirSync(join(directory, "prometheus")), ["targets.json"]);
  scraping.close();
  assert.deepEqual(written(), []);
});

test("Scraping writes its file as soon as it can", (t) => {
  const { store, clock, targetFile, written } = setUp(t);
  mkdirSync(`${targetFile}.new`, { recursive: true });
  store.apply([podAt(9102)]);
  clock.advance(1_000);
  assert.throws(written);
  rmSync(`${targetFile}.new`, { recursive: true });
  clock.advance(5_000);
  assert.deepEqual(written(), []);
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

async function ask(
  port: number,
  path: string,
  { method = "GET", headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const outgoing = requestHttp({ host: "127.0.0.1", port, path, method, headers, agent: false }).end();
  const [response] = await once(outgoing, "response");
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk;
  return { status: response.statusCode, headers: response.headers, text };
}

test("Scraping relays a pod's page with what was negotiated about it, and nothing else", async (t) => {
  const { store, clock, scraping } = setUp(t);
  const asked: unknown[] = [];
  const app = createHttpServer((request, response) => {
    asked.push([request.url, request.headers.accept, request.headers.cookie]);
    const isMoved = asked.length > 1;
    const headers = {
      "content-type": "application/openmetrics-text",
      "set-cookie": "a=b",
      location: "http://x/",
    };
    response.writeHead(isMoved ? 302 : 200, headers).end("page 1\n");
  });
  store.apply([podAt(await listening(t, app))]);
  const relay = createServer({ pauseOnConnect: true });
  const port = await listening(t, relay);
  scraping.attachRelay(relay);
  clock.advance(1_000);
  const path = "/pods/shop/reviews-1";
  const answer = await ask(port, `${path}?x=1`, { headers: { accept: "openmetrics", cookie: "secret" } });
  assert.deepEqual([answer.status, answer.text], [200, "page 1\n"]);
  assert.equal(answer.headers["content-type"], "application/openmetrics-text");
  assert.equal(answer.headers["set-cookie"], undefined);
  const moved = await ask(port, path);
  assert.deepEqual([moved.status, moved.headers.location], [302, undefined]);
  assert.deepEqual(asked, [
    ["/metrics", "openmetrics", undefined],
    ["/metrics", undefined, undefined],
  ]);
  const refused = [
    await ask(port, "/pods/shop/other"),
    await ask(port, "/pods/shop/reviews-1/../reviews-1"),
    await ask(port, path, { method: "POST" }),
    await ask(port, path, { headers: { host: "evil.example" } }),
    await ask(port, path, { headers: { origin: "http://evil.example" } }),
  ];
  assert.deepEqual(
    refused.map(({ status }) => status),
    [404, 404, 405, 403, 403],
  );
  assert.equal(asked.length, 2);
});

test("Scraping says so where a pod's page can't be had, and leaves a hanging page with its scraper", async (t) => {
  const { store, clock, scraping } = setUp(t);
  const hanging = createServer();
  const appPort = await listening(t, hanging);
  store.apply([podAt(appPort)]);
  const relay = createServer();
  const port = await listening(t, relay);
  scraping.attachRelay(relay);
  clock.advance(1_000);
  const scrape = requestHttp({ host: "127.0.0.1", port, path: "/pods/shop/reviews-1", agent: false }).end();
  scrape.on("error", () => undefined);
  const [asked] = (await once(hanging, "connection")) as [Socket];
  await once(asked, "data");
  scrape.destroy();
  await once(asked, "close");
  hanging.close();
  const answer = await ask(port, "/pods/shop/reviews-1");
  assert.equal(answer.status, 502);
  assert.match(answer.text, /Cannot get the page: .*ECONNREFUSED/);
});
