// Which Telemetry decides what is logged, held to a table of cases: Istio's own rules, and where it leaves out what a user wrote,
// what its documentation says.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { meshFixture, readNow } from "../../tests/support/mesh-fixture.ts";
import { accessLogsOf } from "./access-logs.ts";
import type { AccessLog } from "./log-providers.ts";

const SERVICE = `
apiVersion: v1
kind: Service
metadata: { name: logs, namespace: shop, annotations: { networking.istio.io/exportTo: "shop,istio-system" } }
spec: { clusterIP: 10.96.1.1, ports: [{ name: grpc, port: 9090 }] }
`;
const HOST = "service: logs.shop.svc.cluster.local, port: 9090";
const CLUSTER = "outbound|9090||logs.shop.svc.cluster.local";
const SERVERS = [
  `{ name: http, envoyHttpAls: { ${HOST} } }`,
  `{ name: tcp, envoyTcpAls: { ${HOST} } }`,
  `{ name: otel, envoyOtelAls: { ${HOST} } }`,
  "{ name: gone, envoyHttpAls: { service: gone.shop.svc.cluster.local, port: 9090 } }",
  "{ name: portless, envoyOtelAls: { service: logs.shop.svc.cluster.local, port: 1 } }",
];
const OWN_SERVICE =
  'enableEnvoyAccessLogService: true, defaultConfig: { envoyAccessLogService: { address: "logs.shop:9090" } }';

const FILES = [
  ...["one", "two", "three"].map(
    (name) => `{ name: ${name}, envoyFileAccessLog: { path: /var/log/${name} } }`,
  ),
  ...SERVERS,
].join(", ");

interface Mesh {
  /** In YAML's flow style. */
  readonly config?: string;
  /** Likewise, a list. */
  readonly providers?: string;
  /** Lists of `accessLogging`, in YAML's flow style. */
  readonly root?: string;
  readonly namespace?: string;
  readonly workload?: string;
}

function logsOf({ config = "accessLogFile: /dev/stdout", providers = FILES, ...levels }: Mesh) {
  const mesh = meshFixture();
  const { root, namespace, workload } = levels;
  mesh.put(
    [
      SERVICE,
      `{ apiVersion: meltemi.dev/v1, kind: MeshConfig, metadata: { name: mesh }, spec: { extensionProviders: [${providers}], ${config} } }`,
      ...telemetry("root", "istio-system", root),
      ...telemetry("all", "shop", namespace),
      ...telemetry("web", "shop", workload, "selector: { matchLabels: { app: web } },"),
    ].join("\n---\n"),
  );
  return accessLogsOf(readNow, mesh.model.accessLogging, { namespace: "shop", labels: { app: "web" } });
}

function telemetry(name: string, namespace: string, entries: string | undefined, more = "") {
  if (entries === undefined) return [];
  return [
    `{ apiVersion: telemetry.istio.io/v1, kind: Telemetry, metadata: { name: ${name}, namespace: ${namespace} }, spec: { ${more} accessLogging: [${entries}] } }`,
  ];
}

/** The paths and clusters of one side, each with its filter. */
function told(logs: readonly AccessLog[]): string {
  return logs
    .map((log) => {
      const place = log.kind === "file" ? log.path : log.server.cluster;
      return log.filter === undefined ? place : `${place} if ${log.filter}`;
    })
    .join(", ");
}

const by = (...names: readonly string[]) =>
  `providers: [${names.map((name) => `{ name: ${name} }`).join(", ")}]`;
const only = (mode: string) => `match: { mode: ${mode} }`;

const cases: readonly (readonly [what: string, mesh: Mesh, client: string, server?: string])[] = [
  ["MeshConfig's file where nothing else is said", {}, "/dev/stdout"],
  ["nothing by default", { config: "" }, ""],
  [
    "default providers before the file",
    { config: "defaultProviders: { accessLogging: [two, one] }, accessLogFile: /x" },
    "/var/log/one, /var/log/two",
  ],
  ["a provider in place of the file", { root: `{ ${by("one")} }` }, "/var/log/one"],
  ["Istio's own provider without a declaration", { config: "", root: `{ ${by("envoy")} }` }, "/dev/stdout"],
  [
    "the namespace's provider in place of the mesh's",
    { root: `{ ${by("one")} }`, namespace: `{ ${by("two")} }` },
    "/var/log/two",
  ],
  [
    "the workload's in place of both",
    { root: `{ ${by("one")} }`, namespace: `{ ${by("two")} }`, workload: `{ ${by("three")} }` },
    "/var/log/three",
  ],
  [
    "several providers of one object",
    { namespace: `{ ${by("one")} }, { ${by("two")} }` },
    "/var/log/one, /var/log/two",
  ],
  [
    "nothing where it is disabled for the namespace",
    { root: `{ ${by("one")} }`, namespace: "{ disabled: true }" },
    "",
  ],
  ["nothing where the mesh's file is disabled", { namespace: "{ disabled: true }" }, ""],
  [
    "one again for a workload",
    { root: `{ ${by("one")} }`, namespace: "{ disabled: true }", workload: "{ disabled: false }" },
    "/var/log/one",
  ],
  ["the file again for a workload", { namespace: "{ disabled: true }", workload: "{}" }, "/dev/stdout"],
  [
    "one of two providers disabled",
    { root: `{ ${by("one", "two")} }`, namespace: `{ ${by("one")}, disabled: true }, { ${by("two")} }` },
    "/var/log/two",
  ],
  ["clients alone", { root: `{ ${by("one")}, ${only("CLIENT")} }` }, "/var/log/one", "/dev/stdout"],
  ["servers alone", { config: "", root: `{ ${by("one")}, ${only("SERVER")} }` }, "", "/var/log/one"],
  [
    "each side by its own",
    { root: `{ ${by("one")}, ${only("SERVER")} }, { ${by("two")}, ${only("CLIENT")} }` },
    "/var/log/two",
    "/var/log/one",
  ],
  [
    "clients disabled",
    { root: `{ ${by("one")} }`, namespace: `{ ${only("CLIENT")}, disabled: true }` },
    "",
    "/var/log/one",
  ],
  [
    "servers' side not, where only clients have a provider",
    { root: `{ ${only("CLIENT")}, ${by("one")} }, { ${only("SERVER")}, disabled: true }` },
    "/var/log/one",
    "",
  ],
  [
    "what a filter lets through",
    { root: `{ ${by("one")}, filter: { expression: "a" } }` },
    "/var/log/one if a",
  ],
  [
    "the workload's filter for its namespace's provider",
    { namespace: `{ ${by("one")} }`, workload: `{ filter: { expression: "b" } }` },
    "/var/log/one if b",
  ],
  ["a filter of the mesh's file", { namespace: `{ filter: { expression: "b" } }` }, "/dev/stdout if b"],
  [
    "by the filter of before where a workload is logged again",
    {
      root: `{ ${by("one")}, filter: { expression: "a" } }`,
      namespace: "{ disabled: true }",
      workload: "{ disabled: false }",
    },
    "/var/log/one if a",
  ],
  [
    "the last filter of a provider",
    {
      root: `{ ${by("one")}, filter: { expression: "a" } }`,
      namespace: `{ ${by("one")}, filter: { expression: "b" } }`,
    },
    "/var/log/one if b",
  ],
  ["the file where the provider isn't there", { root: `{ ${by("nobody")} }` }, "/dev/stdout"],
  ["to services", { root: `{ ${by("http", "otel", "tcp")} }` }, `${CLUSTER}, ${CLUSTER}, ${CLUSTER}`],
  [
    "what a filter lets through to a service",
    { namespace: `{ ${by("otel")}, filter: { expression: "a" } }` },
    `${CLUSTER} if a`,
  ],
  [
    "the file where the service isn't there",
    { root: `{ ${by("gone")} }, { ${by("portless")} }` },
    "/dev/stdout",
  ],
  ["to MeshConfig's own service too", { config: `accessLogFile: /x, ${OWN_SERVICE}` }, `/x, ${CLUSTER}`],
  ["nothing to it where it isn't asked for", { config: OWN_SERVICE.replace("true", "false") }, ""],
  ["nothing to it where that is disabled", { config: OWN_SERVICE, namespace: "{ disabled: true }" }, ""],
  ["a provider by a name in another case", { root: `{ ${by("ONE")} }` }, "/var/log/one"],
];

describe("accessLogsOf()", () => {
  for (const [what, mesh, client, server = client] of cases) {
    test(`logs ${what}`, () => {
      const logs = logsOf(mesh);
      assert.deepEqual([told(logs.client), told(logs.server)], [client, server]);
    });
  }

  test("reads formats of providers, and MeshConfig's for Istio's own", () => {
    const formats = (providers: string) =>
      logsOf({
        providers,
        config: 'accessLogFormat: "%PROTOCOL%", accessLogEncoding: TEXT',
        root: `{ ${by("some")} }, { ${by("envoy")} }`,
      }).client;
    const kind = "file";
    const own = { kind, path: "/dev/stdout", format: "%PROTOCOL%", isJson: false };
    const some = (file: string) => formats(`{ name: some, envoyFileAccessLog: ${file} }`);
    assert.deepEqual(some("{}"), [own, { kind, path: "/dev/stdout", format: "", isJson: false }]);
    assert.deepEqual(some("{ logFormat: { text: a } }")[1], { ...own, format: "a" });
    const labels = { kind, path: "/x", format: '{"a":"%PROTOCOL%"}', isJson: true };
    assert.deepEqual(some("{ path: /x, logFormat: { labels: { a: '%PROTOCOL%' } } }")[1], labels);
    assert.deepEqual(some("{ logFormat: { labels: {} } }")[1], { ...own, format: "", isJson: true });
    assert.deepEqual(some("{ omitEmptyValues: true }")[1], { ...own, format: "", omitsEmptyValues: true });
    const declared = formats("{ name: envoy, envoyFileAccessLog: { path: /x } }");
    assert.deepEqual(declared, [{ ...own, path: "/x" }]);
  });

  test("reads what is sent to a service", () => {
    const server = { hostname: "logs.shop.svc.cluster.local", cluster: CLUSTER };
    const some = (provider: string) =>
      logsOf({ providers: `{ name: some, ${provider} }`, root: `{ ${by("some")} }` }).client;
    const nothing = { filterState: [], requestHeaders: [], responseHeaders: [], responseTrailers: [] };
    const plain = { kind: "service", server, logName: "", ...nothing };
    assert.deepEqual(some(`envoyHttpAls: { ${HOST} }`), [{ ...plain, entries: "http" }]);
    const headers =
      "additionalRequestHeadersToLog: [a], additionalResponseHeadersToLog: [b], additionalResponseTrailersToLog: [c]";
    assert.deepEqual(
      some(`envoyHttpAls: { ${HOST}, logName: n, filterStateObjectsToLog: [s], ${headers} }`),
      [
        {
          ...{ ...plain, entries: "http", logName: "n", filterState: ["s"] },
          ...{ requestHeaders: ["a"], responseHeaders: ["b"], responseTrailers: ["c"] },
        },
      ],
    );
    assert.deepEqual(some(`envoyTcpAls: { ${HOST}, logName: n }`), [
      { ...plain, entries: "tcp", logName: "n" },
    ]);
    assert.deepEqual(some(`envoyOtelAls: { ${HOST}, logFormat: { text: t, labels: { a: b } } }`), [
      { kind: "opentelemetry", server, logName: "", format: "t", labels: { a: "b" } },
    ]);
    assert.deepEqual(logsOf({ config: OWN_SERVICE }).client, [plain]);
  });

  test("logs to no service that isn't exported to the workload's namespace", () => {
    const mesh = meshFixture();
    const config = `extensionProviders: [${FILES}], defaultProviders: { accessLogging: [otel] }`;
    mesh.put(`${SERVICE}---
{ apiVersion: meltemi.dev/v1, kind: MeshConfig, metadata: { name: mesh }, spec: { ${config} } }`);
    const of = (namespace: string) =>
      accessLogsOf(readNow, mesh.model.accessLogging, { namespace, labels: {} }).client.length;
    assert.deepEqual([of("shop"), of("else")], [1, 0]);
  });

  test("names the objects that decided, and is the mesh's where none is the namespace's", () => {
    const { sources } = logsOf({ root: "{ disabled: true }", workload: `{ ${by("one")} }` });
    assert.deepEqual(sources, ["Telemetry/istio-system/root", "Telemetry/shop/web"]);
    const mesh = meshFixture();
    mesh.put(telemetry("root", "istio-system", `{ ${by("envoy")} }`).join());
    const nobody = accessLogsOf(readNow, mesh.model.accessLogging, { namespace: "else", labels: {} });
    assert.deepEqual(readNow.one(mesh.model.accessLogging.ofMesh), nobody);
  });
});
