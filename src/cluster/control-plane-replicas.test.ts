import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { TestStream } from "../../tests/support/streaming-server.ts";
import { streamingServer } from "../../tests/support/streaming-server.ts";
import { systemClock } from "../core/clock.ts";
import { askReplicas } from "./control-plane-replicas.ts";

const place = { usualNamespace: "mesh", labelSelector: "app=plane", revisionLabel: "istio.io/rev" };
const PORT = Buffer.from([0xa6, 0x3a]);
const CLOSE = Buffer.from([0x03, 0xe8]);

interface Trial {
  /** Pods of each list, one after another; the last one again and again. */
  readonly lists: readonly (readonly object[])[];
  /** What a pod's monitoring port answers; undefined where nothing listens. */
  readonly answers: Readonly<Record<string, unknown>>;
}

const plane = (
  name: string,
  { isReady = true, ...metadata }: { isReady?: boolean; [field: string]: unknown } = {},
) => ({
  metadata: { name, namespace: "mesh", labels: { "istio.io/rev": "canary" }, ...metadata },
  status: { phase: "Running", containerStatuses: [{ ready: isReady }] },
});

async function ask(t: TestContext, { lists, answers }: Trial) {
  const selectors: (string | null)[] = [];
  const page = (url: URL) => {
    if (url.pathname.endsWith("/clusterrolebindings")) return { items: [] };
    selectors.push(url.searchParams.get("labelSelector"));
    return { items: lists[Math.min(selectors.length, lists.length) - 1] };
  };
  const serve = async (stream: TestStream) => {
    const pod = stream.url.pathname.split("/")[6] ?? "";
    stream.send(0, PORT);
    stream.send(1, PORT);
    if (answers[pod] === undefined) return stream.send(1, "connection refused");
    assert.match(String((await stream.next())?.payload), /GET \/proxies HTTP/);
    const body = JSON.stringify(answers[pod]);
    stream.send(0, `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    stream.sendFrame(0x88, CLOSE);
  };
  const client = await streamingServer(t, serve, { page });
  const access = { client, clock: systemClock, signal: new AbortController().signal };
  const found = await askReplicas<string>(access, place, "/proxies");
  assert.ok(selectors.every((selector) => selector === "app=plane"));
  return { answers: found.map(({ replica, answer }) => `${replica.pod}: ${answer}`), selectors, found };
}

test("askReplicas() asks every replica that is ready", async (t) => {
  const pods = [plane("one"), plane("two"), plane("late", { isReady: false })];
  const { answers, found } = await ask(t, { lists: [pods], answers: { one: "a", two: "b" } });
  assert.deepEqual(answers, ["one: a", "two: b"]);
  assert.deepEqual(found[0]?.replica, { pod: "one", namespace: "mesh", revision: "canary" });
});

test("askReplicas() asks one that is ending, and does without its answer", async (t) => {
  const leaving = { isReady: false, deletionTimestamp: "2026-01-01T00:00:00Z" };
  const lists = [[plane("one"), plane("two", leaving), plane("three", leaving)]];
  const { answers } = await ask(t, { lists, answers: { one: "a", two: "b" } });
  assert.deepEqual(answers, ["one: a", "two: b"]);
});

test("askReplicas() asks again when a replica has gone since it was listed", async (t) => {
  const lists = [
    [plane("one"), plane("gone")],
    [plane("one"), plane("new")],
  ];
  const { answers, selectors } = await ask(t, { lists, answers: { one: "a", new: "c" } });
  assert.deepEqual(answers, ["one: a", "new: c"]);
  assert.equal(selectors.length, 2);
});

test("askReplicas() fails when a replica that is ready doesn't answer", async (t) => {
  const trial = { lists: [[plane("one"), plane("dumb")]], answers: { one: "a" } };
  await assert.rejects(ask(t, trial), {
    name: "PortForwardError",
    message: 'Cannot reach port 15014 of pod "mesh/dumb": connection refused',
  });
});
