// Issue 3, local runtime: a rolling update and scaling of several replicas under constant load fail no request.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "../mesh/eventually.ts";
import type { Load, PodClient, Tally } from "../mesh/pod-client.ts";
import type { RunningMesh } from "../mesh/running-mesh.ts";
import { skipWithoutMesh as skip, startMesh } from "../mesh/running-mesh.ts";

const FILE = "rolling.yaml";
const ROLLOUT_MS = 60_000;

let mesh: RunningMesh;
let client: PodClient;

before(
  async () => {
    if (skip !== false) return;
    const echo = `${process.execPath} ${new URL("../mesh/app/echo.mjs", import.meta.url).pathname}`;
    mesh = await startMesh({
      files: { [FILE]: rolling({ version: "one" }) },
      flags: ["--image", `meltemi-test/echo:second=env FROM_IMAGE=second ${echo}`],
    });
    client = await mesh.client("client");
  },
  { timeout: 120_000 },
);
after(() => mesh?.close());

interface Wish {
  readonly version: string;
  readonly replicas?: number;
  readonly image?: string;
}

function rolling({ version, replicas = 3, image = "meltemi-test/echo" }: Wish): string {
  return `
apiVersion: v1
kind: Service
metadata: {name: rolling, namespace: test}
spec:
  selector: {app: rolling}
  ports: [{name: http, port: 80, targetPort: 8080}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: rolling, namespace: test}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: rolling}}
  template:
    metadata: {labels: {app: rolling}}
    spec:
      containers:
      - name: echo
        image: ${image}
        env:
        - {name: VERSION, value: ${version}}
        - {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
        readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
`;
}

/** Saves the wish, and waits until there are so many ready pods and no others. */
async function rollTo(wish: Wish, { except = [] }: { readonly except?: readonly string[] } = {}) {
  await mesh.save(FILE, rolling(wish));
  return eventually(
    async () => {
      const pods = await mesh.pods("rolling");
      assert.equal(pods.length, wish.replicas ?? 3, pods.map(({ name, phase }) => `${name} ${phase}`).join());
      assert(pods.every(({ containers }) => containers.every(({ isReady }) => isReady)));
      const names = pods.map(({ name }) => name);
      assert(!names.some((name) => except.includes(name)), "old pods are gone");
      return names;
    },
    { deadlineMs: ROLLOUT_MS },
  );
}

function startLoad(): Promise<Load> {
  return client.load({ url: "http://rolling/", connections: 6, pauseMs: 3 });
}

async function finish(load: Load): Promise<Tally> {
  const { total } = await load.tally();
  await eventually(async () => assert((await load.tally()).total > total + 100));
  const tally = await load.stop();
  assert.deepEqual(tally.failures, []);
  assert.deepEqual(Object.keys(tally.byStatus), ["200"]);
  return tally;
}

async function podNames(): Promise<readonly string[]> {
  return (await mesh.pods("rolling")).map(({ name }) => name);
}

test("a changed variable replaces three replicas, and no request fails", { skip }, async () => {
  const old = await podNames();
  assert.equal(old.length, 3);
  const load = await startLoad();
  const now = await rollTo({ version: "two" }, { except: old });
  const { byVersion, byPod, last } = await finish(load);
  assert.deepEqual(Object.keys(byVersion).sort(), ["one", "two"]);
  assert.equal(last.version, "two");
  for (const name of [...old, ...now]) assert((byPod[name] ?? 0) > 0, `${name} was asked`);
});

test("a changed image replaces them again, and no request fails", { skip }, async () => {
  const old = await podNames();
  const load = await startLoad();
  await rollTo({ version: "two", image: "meltemi-test/echo:second" }, { except: old });
  await finish(load);
});

test("fewer and more replicas under load fail no request", { skip }, async () => {
  const wish = { version: "two", image: "meltemi-test/echo:second" };
  const before = await podNames();
  const load = await startLoad();
  const [survivor] = await rollTo({ ...wish, replicas: 1 });
  assert(survivor !== undefined && before.includes(survivor));
  const grown = await rollTo({ ...wish, replicas: 3 });
  await eventually(async () => {
    const { byPod } = await load.tally();
    assert(grown.every((name) => (byPod[name] ?? 0) > 0));
  });
  await finish(load);
});
