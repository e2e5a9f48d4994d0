// Each query of each dashboard has an answer from a real Prometheus that scrapes a running mesh, and so have the names and
// labels that Istio's dashboards and Kiali ask for.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { dashboards } from "../../../src/telemetry/dashboards/dashboards.ts";
import { askedOfEnvoy, askers, notServed } from "../../cases/queried-metrics.ts";
import { eventually } from "./eventually.ts";
import type { PodClient } from "./pod-client.ts";
import { type RunningMesh, skipWithoutMesh, startMesh } from "./running-mesh.ts";
import { type RunningPrometheus, skipWithoutPrometheus, startPrometheus } from "./running-prometheus.ts";

const skip = skipWithoutMesh || skipWithoutPrometheus;
const DEADLINE = { deadlineMs: 45_000 };
const WINDOW = "30s";

const forbidden = (port: string) => `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: forbidden, namespace: test }
spec:
  selector: { matchLabels: { app: echo } }
  action: DENY
  rules: [{ to: [{ operation: { paths: [/forbidden], ports: ["${port}"] } }] }]
`;

const asking = `
apiVersion: v1
kind: Pod
metadata:
  name: asking
  namespace: test
  labels: { app: asking }
  annotations: { sidecar.istio.io/statsInclusionPrefixes: "cluster.outbound,listener.,http." }
spec:
  containers: [{ name: app, image: none, command: [sleep, infinity] }]
`;

let mesh: RunningMesh;
let client: PodClient;
let prometheus: RunningPrometheus;
const isOver = new AbortController();
let traffic: Promise<void> | undefined;

before(
  async () => {
    if (skip !== false) return;
    mesh = await startMesh({
      files: { "forbidden.yaml": forbidden("8080"), "asking.yaml": asking },
    });
    client = await mesh.client("client");
    prometheus = await startPrometheus(join(mesh.stateDirectory, "prometheus/targets.json"));
    traffic = sendAll();
    // Awaited when the file is over.
    traffic.catch(() => undefined);
  },
  { timeout: 120_000 },
);
after(async () => {
  isOver.abort();
  await traffic;
  await prometheus?.close();
  await mesh?.close();
});

/** Of every kind, with failures, and a change of config now and then: for rates there must be something in each window. */
async function sendAll(): Promise<void> {
  for (let round = 0; !isOver.signal.aborted; round++) {
    await client.many(5, { url: "http://echo/" });
    await client.many(1, { url: "http://echo/forbidden" });
    await client.say("echo:9090", ["a"]);
    await client.tcp({ host: "echo", port: 9000, send: "hello\n", until: "hello\n" });
    if (round % 20 === 19) await mesh.save("forbidden.yaml", forbidden(round % 40 === 19 ? "8081" : "8080"));
  }
}

/** As Grafana would put them in. */
function filledIn(promql: string): readonly string[] {
  const filled = promql
    .replaceAll("$__rate_interval", WINDOW)
    .replaceAll("$service", "echo.test.svc.cluster.local")
    .replaceAll("$namespace", "test");
  if (!filled.includes("$workload")) return [filled];
  return [filled.replaceAll("$workload", "client"), filled.replaceAll("$workload", "echo-v1")];
}

async function hasAnswer(promql: string): Promise<boolean> {
  for (const query of filledIn(promql)) {
    const samples = await prometheus.query(query);
    if (samples.some(({ value }) => Number.isFinite(value))) return true;
  }
  return false;
}

for (const { title, rows, variables } of dashboards) {
  test(`${title}: each query has an answer`, { skip }, async () => {
    const panels = rows.flatMap((row) => row.panels.map((panel) => ({ row, panel })));
    const queries = [
      ...panels.flatMap(({ row, panel }) =>
        panel.queries.map(({ promql }) => ({ place: `${row.title}, ${panel.title}`, promql })),
      ),
      ...variables.map(({ name, values: { selector, label } }) => {
        return { place: name, promql: `count by (${label}) (${selector})` };
      }),
    ];
    await eventually(async () => {
      const unanswered: string[] = [];
      for (const { place, promql } of queries) {
        if (!(await hasAnswer(promql))) unanswered.push(`${place}: ${promql}`);
      }
      assert.deepEqual(unanswered, []);
    }, DEADLINE);
  });
}

test("more of Envoy's metrics are there where a pod asks for them", { skip }, async () => {
  await (await mesh.client("asking")).many(3, { url: "http://echo/" });
  await eventually(async () => {
    for (const metric of askedOfEnvoy) {
      const series = await prometheus.query(`${metric}{pod="asking"}`);
      assert.ok(series.length > 0, metric);
    }
  }, DEADLINE);
});

// What has no series before its first event, which here never comes.
const withoutEvents = ["pilot_total_xds_rejects", "galley_validation_passed", "galley_validation_failed"];

for (const { name, metrics } of askers) {
  test(`${name}: metrics and labels are there`, { skip }, async () => {
    const asked = Object.entries(metrics).filter(
      ([metric]) =>
        notServed[metric] === undefined && !withoutEvents.includes(metric) && !askedOfEnvoy.has(metric),
    );
    await eventually(async () => {
      for (const [metric, labels] of asked) {
        const series = await prometheus.query(metric);
        assert.ok(series.length > 0, metric);
        const known = new Set(series.flatMap((one) => Object.keys(one.metric)));
        assert.deepEqual(
          labels.filter((label) => !known.has(label)),
          [],
          metric,
        );
      }
    }, DEADLINE);
  });
}
