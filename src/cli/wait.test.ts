import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { ProgrammedReport } from "../admin/contract/control-plane.ts";
import type { CommandContext } from "./command.ts";
import { run } from "./wait.ts";

const reviews = {
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: "reviews", namespace: "shop" },
  spec: { hosts: ["reviews"] },
};
const key = "VirtualService/shop/reviews";

function report(changes: Partial<ProgrammedReport> = {}): ProgrammedReport {
  const none = { awaited: [], refusedBy: [], reasons: [] };
  return { object: key, inForce: reviews, proxyCount: 2, acknowledgedCount: 2, ...none, ...changes };
}

interface Mesh {
  /** What the supervisor holds. */
  readonly objects?: readonly object[];
  /** Of the object asked for; absent where none is named. */
  readonly namespace?: string | undefined;
  /** What the control plane answers, one look after another; the last one again and again. */
  readonly reports: readonly ProgrammedReport[];
}

/** A mesh's two sockets, and the command run against them. */
async function waitIn(t: TestContext, mesh: Mesh, ...more: readonly string[]) {
  const { objects = [reviews], reports } = mesh;
  const namespace = "namespace" in mesh ? mesh.namespace : "shop";
  const directory = await mkdtemp(join(tmpdir(), "meltemi-wait-"));
  t.after(() => rm(directory, { recursive: true }));
  const asked: string[] = [];
  let lookCount = 0;
  await serve(t, join(directory, "supervisor.sock"), (url) =>
    url.includes("Namespace") ? [{ metadata: { name: "shop" } }] : objects,
  );
  await serve(t, join(directory, "control-plane.sock"), (url) => {
    asked.push(url);
    lookCount += 1;
    return reports[Math.min(lookCount, reports.length) - 1];
  });
  const printed: string[] = [];
  const context = {
    terminal: {
      hasColour: false,
      write: (text: string) => void printed.push(text),
      writeError: () => undefined,
    },
    env: { MELTEMI_STATE_DIR: directory },
    signal: new AbortController().signal,
  } as unknown as CommandContext;
  const [object = "vs/reviews", timeout = "10s"] = more;
  const code = await run(context, { args: [object], options: { namespace, timeout } });
  return { code, printed, asked, lookCount };
}

async function serve(t: TestContext, path: string, answer: (url: string) => unknown): Promise<void> {
  const server: Server = createServer((request, response) => {
    response.end(JSON.stringify(answer(request.url ?? "")));
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
}

test("wait returns when every proxy has the object as it is", async (t) => {
  const older = { ...reviews, spec: { hosts: ["older"] } };
  const { code, printed, asked, lookCount } = await waitIn(t, {
    reports: [report({ inForce: older }), report({ acknowledgedCount: 1, awaited: ["web.shop"] }), report()],
  });
  assert.equal(code, 0);
  assert.deepEqual(printed, ["VirtualService shop/reviews: 2 of 2 proxies have it\n"]);
  assert.equal(asked[0], "/programmed?object=VirtualService%2Fshop%2Freviews");
  assert.ok(lookCount > 3, "it looks again, since a file may have been saved just now");
});

test("wait says that no proxy is concerned", async (t) => {
  const { printed } = await waitIn(t, { reports: [report({ proxyCount: 0, acknowledgedCount: 0 })] });
  assert.deepEqual(printed, ["VirtualService shop/reviews: no proxy is concerned\n"]);
});

test("wait fails when a proxy refuses it", async (t) => {
  const reasons = [{ message: 'route "80": bad', proxies: ["web.shop"] }];
  const refusal = { acknowledgedCount: 1, refusedBy: ["web.shop"], reasons };
  await assert.rejects(waitIn(t, { reports: [report(refusal)] }), {
    exitCode: 1,
    message: 'VirtualService shop/reviews: 1 of 2 proxies have it; refused by web.shop: route "80": bad',
  });
});

test("wait fails when its time is over, and names who is awaited", async (t) => {
  const late = report({ acknowledgedCount: 1, awaited: ["web.shop"] });
  await assert.rejects(waitIn(t, { reports: [late] }, "vs/reviews", "200ms"), {
    exitCode: 1,
    message: "VirtualService shop/reviews: 1 of 2 proxies have it after 0.2 s; awaited: web.shop",
  });
});

test("wait fails for what isn't there, with the nearest name", async (t) => {
  const { inForce: _, ...rest } = report();
  await assert.rejects(waitIn(t, { reports: [rest] }, "vs/review", "100ms"), {
    exitCode: 1,
    message: "There is no VirtualService shop/review",
    hint: 'did you mean "reviews"?',
  });
});

test("wait refuses a time that it can't read", async (t) => {
  await assert.rejects(waitIn(t, { reports: [] }, "vs/reviews", "soon"), { exitCode: 2 });
});

test("wait finds the object in the only namespace that has it", async (t) => {
  const { printed } = await waitIn(t, { namespace: undefined, reports: [report()] });
  assert.deepEqual(printed, ["VirtualService shop/reviews: 2 of 2 proxies have it\n"]);
});

test("wait asks which is meant where several namespaces have one", async (t) => {
  const other = { ...reviews, metadata: { name: "reviews", namespace: "other" } };
  const mesh = { namespace: undefined, objects: [other, reviews], reports: [report()] };
  await assert.rejects(waitIn(t, mesh), { exitCode: 2, hint: "say which: -n other or -n shop" });
});

test("wait names a namespace that isn't there", async (t) => {
  const mesh = { namespace: "shpo", objects: [], reports: [report()] };
  await assert.rejects(waitIn(t, mesh, "vs/reviews", "100ms"), {
    message: 'There is no namespace "shpo"',
    hint: 'did you mean "shop"?',
  });
});
