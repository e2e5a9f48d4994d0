import assert from "node:assert/strict";
import { test } from "node:test";
import { buildTestPod } from "../../../tests/support/pod-fixture.ts";
import { scrapeTargetsOf } from "./scrape-targets.ts";

const merged = {
  "prometheus.io/scrape": "true",
  "prometheus.io/port": "15020",
  "prometheus.io/path": "/stats/prometheus",
};
const proxy = { name: "istio-proxy" };

function pagesOf(annotations: Readonly<Record<string, string>>, { hasProxy = false } = {}) {
  const metadata = { name: "reviews-1", namespace: "shop", annotations };
  const spec = hasProxy ? { initContainers: [proxy] } : {};
  return scrapeTargetsOf([buildTestPod({}, { metadata, spec })]).map(({ relayPath, page }) => [
    relayPath,
    `${page.host}:${page.port}${page.path}`,
  ]);
}

test("scrapeTargetsOf() goes by a pod's annotations, and adds the proxy's page where it isn't merged", () => {
  const path = "/pods/shop/reviews-1";
  const own = { "prometheus.io/scrape": "true", "prometheus.io/port": "9102" };
  const cases: readonly (readonly [ReturnType<typeof pagesOf>, unknown])[] = [
    [pagesOf(merged, { hasProxy: true }), [[path, "10.244.0.9:15020/stats/prometheus"]]],
    [
      pagesOf(own, { hasProxy: true }),
      [
        [path, "10.244.0.9:9102/metrics"],
        [`${path}/proxy`, "10.244.0.9:15090/stats/prometheus"],
      ],
    ],
    [pagesOf({ ...own, "prometheus.io/path": "m" }), [[path, "10.244.0.9:9102/m"]]],
    [pagesOf({ "prometheus.io/scrape": "true" }), [[path, "10.244.0.9:80/metrics"]]],
    [pagesOf({ "prometheus.io/port": "9102" }), []],
    [pagesOf({ ...own, "prometheus.io/scrape": "false" }), []],
    [pagesOf({ ...own, "prometheus.io/port": "80@elsewhere" }), []],
    [pagesOf({ ...own, "prometheus.io/port": "65536" }), []],
  ];
  for (const [pages, expected] of cases) assert.deepEqual(pages, expected);
});

test("scrapeTargetsOf() labels with the pod's labels; none of them says where to scrape or who was", () => {
  const labels = {
    "app.kubernetes.io/name": "reviews",
    version: "v1",
    pod: "impostor",
    instance: "impostor",
    job: "impostor",
    le: "1",
    "--address--": "10.0.0.1",
    "0day": "x",
  };
  const metadata = { name: "reviews-1", namespace: "shop", labels, annotations: merged };
  const [target] = scrapeTargetsOf([buildTestPod({}, { metadata })]);
  assert.deepEqual(target?.labels, {
    app_kubernetes_io_name: "reviews",
    version: "v1",
    namespace: "shop",
    pod: "reviews-1",
    instance: "10.244.0.9:15020",
  });
});

test("scrapeTargetsOf() leaves out who has no address yet and who has ended", () => {
  const metadata = { name: "reviews-1", namespace: "shop", annotations: merged };
  const pod = buildTestPod({}, { metadata });
  const ended = { ...pod, status: { ...pod.status, phase: "Succeeded" as const } };
  assert.deepEqual(scrapeTargetsOf([{ ...pod, status: {} }, ended]), []);
  assert.equal(scrapeTargetsOf([pod]).length, 1);
});
