// Who traces what, held to a table of cases: Istio's own rules (pilot/pkg/model/telemetry.go, Tracing).

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { meshFixture, readNow } from "../../tests/support/mesh-fixture.ts";
import { type SideTracing, tracingOf } from "./tracing.ts";

const SERVICES = ["zipkin", "otel", "private"].map(
  (name) => `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: tracing${name === "private" ? ', annotations: { networking.istio.io/exportTo: "." }' : ""} }
spec: { clusterIP: 10.96.1.${name.length}, ports: [{ name: grpc, port: 9411 }] }`,
);
const address = (name: string) => `service: ${name}.tracing.svc.cluster.local, port: 9411`;
const PROVIDERS = [
  `{ name: zipkin, zipkin: { ${address("zipkin")}, maxTagLength: 64 } }`,
  `{ name: otel, opentelemetry: { ${address("otel")} } }`,
  `{ name: sampler, opentelemetry: { ${address("otel")}, http: { path: /v1/traces }, dynatraceSampler: { tenant: a, clusterId: 1 } } }`,
  `{ name: private, zipkin: { ${address("private")} } }`,
  `{ name: gone, zipkin: { ${address("gone")} } }`,
  `{ name: portless, zipkin: { service: zipkin.tracing.svc.cluster.local, port: 1 } }`,
  "{ name: files, envoyFileAccessLog: {} }",
].join(", ");

interface Mesh {
  /** In YAML's flow style. */
  readonly config?: string;
  /** Lists of `tracing`, in YAML's flow style. */
  readonly root?: string;
  readonly namespace?: string;
  readonly workload?: string;
  /** Of the workload. Default `shop`. */
  readonly of?: string;
}

function tracingIn({ config = "", of = "shop", ...levels }: Mesh) {
  const mesh = meshFixture();
  const { root, namespace, workload } = levels;
  mesh.put(
    [
      `{ apiVersion: meltemi.dev/v1, kind: MeshConfig, metadata: { name: mesh }, spec: { extensionProviders: [${PROVIDERS}], ${config} } }`,
      ...SERVICES,
      ...telemetry("root", "istio-system", root),
      ...telemetry("all", "shop", namespace),
      ...telemetry("web", "shop", workload, "selector: { matchLabels: { app: web } },"),
    ].join("\n---\n"),
  );
  return tracingOf(readNow, mesh.model.tracing, { namespace: of, labels: { app: "web" } });
}

function telemetry(name: string, namespace: string, entries: string | undefined, more = "") {
  if (entries === undefined) return [];
  return [
    `{ apiVersion: telemetry.istio.io/v1, kind: Telemetry, metadata: { name: ${name}, namespace: ${namespace} }, spec: { ${more} tracing: [${entries}] } }`,
  ];
}

function told(side: SideTracing | undefined): string {
  if (side === undefined) return "nothing";
  const { tracer, samplingPercent, customTags, hasIstioTags, decidesByRequestId, propagatesContext } = side;
  const tags = Object.entries(customTags).map(([name, tag]) => `${name}:${tag.kind}`);
  return [
    `${tracer.kind} ${samplingPercent}%`,
    ...tags,
    ...(hasIstioTags ? [] : ["no Istio tags"]),
    ...(decidesByRequestId ? [] : ["ids decide nothing"]),
    ...(propagatesContext ? [] : ["not propagated"]),
    ...(side.maxPathLength === undefined ? [] : [`paths of ${side.maxPathLength}`]),
  ].join(", ");
}

const by = (name: string) => `providers: [{ name: ${name} }]`;
const only = (mode: string) => `match: { mode: ${mode} }`;
const byDefault = (name: string) => `defaultProviders: { tracing: [${name}] }`;

const cases: readonly (readonly [what: string, mesh: Mesh, client: string, server?: string])[] = [
  ["nothing where nothing is said", {}, "nothing"],
  [
    "MeshConfig's default provider, one request in a hundred",
    { config: byDefault("otel") },
    "opentelemetry 1%",
  ],
  ["the first of several default providers", { config: byDefault("zipkin, otel") }, "zipkin 1%, paths of 64"],
  ["a Telemetry's provider", { namespace: `{ ${by("otel")} }` }, "opentelemetry 1%"],
  ["providers are found whatever their case", { namespace: `{ ${by("OTEL")} }` }, "opentelemetry 1%"],
  [
    "the most specific provider",
    { root: `{ ${by("otel")} }`, namespace: `{ ${by("zipkin")} }`, workload: `{ ${by("otel")} }` },
    "opentelemetry 1%",
  ],
  [
    "fields of less specific objects hold where nothing is said below",
    { root: `{ ${by("otel")}, randomSamplingPercentage: 50 }`, workload: "{ enableIstioTags: false }" },
    "opentelemetry 50%, no Istio tags",
  ],
  [
    "0 percent is something said",
    { config: byDefault("otel"), namespace: "{ randomSamplingPercentage: 0 }" },
    "opentelemetry 0%",
  ],
  [
    "tags replace those of above, all of them",
    {
      root: `{ ${by("otel")}, customTags: { a: { literal: { value: a } }, b: { header: { name: b } } } }`,
      namespace: "{ customTags: { c: { environment: { name: c } } } }",
    },
    "opentelemetry 1%, c:environment",
  ],
  [
    "one side alone",
    { config: byDefault("otel"), namespace: `{ ${only("SERVER")}, randomSamplingPercentage: 100 }` },
    "opentelemetry 1%",
    "opentelemetry 100%",
  ],
  [
    "disabled for one side",
    { config: byDefault("otel"), namespace: `{ ${only("CLIENT")}, disableSpanReporting: true }` },
    "nothing",
    "opentelemetry 1%",
  ],
  [
    "on again below",
    { root: `{ ${by("otel")}, disableSpanReporting: true }`, workload: "{ disableSpanReporting: false }" },
    "opentelemetry 1%",
  ],
  [
    "ids and propagation",
    { namespace: `{ ${by("otel")}, useRequestIdForTraceSampling: false, disableContextPropagation: true }` },
    "opentelemetry 1%, ids decide nothing, not propagated",
  ],
  [
    "a provider that samples itself is given every request",
    { namespace: `{ ${by("sampler")}, randomSamplingPercentage: 5 }` },
    "opentelemetry 100%",
  ],
  [
    "ProxyConfig's sampling, tags and length where Telemetry has none",
    {
      config: `${byDefault("otel")}, defaultConfig: { tracing: { sampling: 20, maxPathTagLength: 99, customTags: { a: { literal: { value: a } } } } }`,
    },
    "opentelemetry 20%, a:literal, paths of 99",
  ],
  [
    "ProxyConfig's address, where it is a service's",
    {
      config:
        "defaultConfig: { tracing: { enableIstioTags: false, zipkin: { address: zipkin.tracing:9411 } } }",
    },
    "zipkin 1%, no Istio tags",
  ],
  [
    "unless tracing is off",
    {
      config:
        "enableTracing: false, defaultConfig: { tracing: { zipkin: { address: zipkin.tracing:9411 } } }",
    },
    "nothing",
  ],
  ["a service of the collector's own namespace", { namespace: `{ ${by("private")} }` }, "nothing"],
  ["which others don't see", { root: `{ ${by("private")} }`, of: "tracing" }, "zipkin 1%"],
  ["no such service", { namespace: `{ ${by("gone")} }` }, "nothing"],
  ["no such port", { namespace: `{ ${by("portless")} }` }, "nothing"],
  ["no such provider", { config: byDefault("otel"), namespace: `{ ${by("nobody")} }` }, "nothing"],
  ["a provider of other things", { namespace: `{ ${by("files")} }` }, "nothing"],
];

describe("tracingOf()", () => {
  for (const [what, mesh, client, server = client] of cases)
    test(what, () => {
      const tracing = tracingIn(mesh);
      assert.deepEqual([told(tracing.client), told(tracing.server)], [client, server]);
    });

  test("names the objects that decided", () => {
    const { sources } = tracingIn({ root: "{ randomSamplingPercentage: 1 }", workload: `{ ${by("otel")} }` });
    assert.deepEqual(sources, ["Telemetry/istio-system/root", "Telemetry/shop/web"]);
  });
});
