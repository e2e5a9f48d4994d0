import assert from "node:assert/strict";
import { test } from "node:test";
import { commitObjects, objectsOf } from "../../../tests/support/mesh-fixture.ts";
import { sidecar, viewFixture } from "../../../tests/support/view-fixture.ts";

const edge = { ...sidecar("edge", "edge-1", { app: "edge" }), kind: "router" as const };

function gatewayMesh() {
  const mesh = viewFixture("apiVersion: v1\nkind: Namespace\nmetadata: {name: edge}\n");
  mesh.connect(edge);
  return mesh;
}

function gateway(hosts: readonly string[]) {
  const server = { port: { number: 80, name: "http", protocol: "HTTP" }, hosts };
  return object("Gateway", "edge", "main", { selector: { app: "edge" }, servers: [server] });
}

function virtualService(name: string, namespace: string, hosts: readonly string[]) {
  const http = [{ directResponse: { status: 200 }, name }];
  return object("VirtualService", namespace, name, { hosts, gateways: ["edge/main"], http });
}

function object(kind: string, namespace: string, name: string, spec: object) {
  return JSON.stringify({ apiVersion: "networking.istio.io/v1", kind, metadata: { namespace, name }, spec });
}

function servedHosts({ views }: ReturnType<typeof gatewayMesh>): readonly string[] {
  const view = views.gatewayOfProxy.get("edge/edge-1");
  assert.ok(view !== undefined);
  return view.routes.flatMap(({ virtualHosts }) =>
    virtualHosts.filter(({ routes }) => routes.length > 0).map(({ name }) => name.replace(/:80$/, "")),
  );
}

const bindings: readonly {
  readonly server: readonly string[];
  readonly routes: readonly string[];
  readonly served: readonly string[];
}[] = [
  { server: ["*"], routes: ["a.com", "*.b.com"], served: ["*.b.com", "a.com"] },
  { server: ["a.com"], routes: ["*"], served: ["a.com"] },
  { server: ["*.a.com"], routes: ["x.a.com", "y.b.com"], served: ["x.a.com"] },
  { server: ["x.a.com", "y.a.com", "z.b.com"], routes: ["*.a.com"], served: ["x.a.com", "y.a.com"] },
  { server: ["*.a.com", "x.a.com"], routes: ["*.a.com"], served: ["*.a.com"] },
  { server: ["*.com", "x.a.com"], routes: ["*.a.com"], served: ["*.a.com", "x.a.com"] },
  {
    server: ["shop/a.com", "other/b.com", "./c.com"],
    routes: ["a.com", "b.com", "c.com"],
    served: ["a.com"],
  },
];

for (const { server, routes, served } of bindings) {
  test(`a server of ${server.join(", ")} serves of ${routes.join(", ")} what both name`, () => {
    const mesh = gatewayMesh();
    mesh.put(`${gateway(server)}\n---\n${virtualService("a", "shop", routes)}`);
    assert.deepEqual(servedHosts(mesh), served);
  });
}

const HOST_COUNT = 3_000;
const MAX_CPU_MS = 5_000;
const many = Array.from({ length: HOST_COUNT }, (_, index) => `a${index}.example.com`);

// What holds each host against each other takes half a minute of the processor here, and all proxies wait.
for (const [name, server, routes] of [
  ["a Gateway of many hosts", many, ["*"]],
  ["a VirtualService of many hosts", ["*"], many],
  ["both of many hosts", many, many],
] as const) {
  test(`${name} is translated in time in proportion to their number`, () => {
    const mesh = gatewayMesh();
    const objects = objectsOf(`${gateway(server)}\n---\n${virtualService("a", "shop", routes)}`);
    const start = process.cpuUsage();
    commitObjects(mesh.graph, mesh.sources, objects);
    const { user, system } = process.cpuUsage(start);
    assert.equal(servedHosts(mesh).length, HOST_COUNT);
    const cpuMs = (user + system) / 1_000;
    assert.ok(cpuMs < MAX_CPU_MS, `${Math.round(cpuMs)} ms of the processor`);
  });
}

test("bindingsOf() puts rules of the gateway's namespace that aren't for all before older ones", () => {
  const mesh = gatewayMesh();
  const routesOf = () =>
    mesh.views.gatewayOfProxy
      .get("edge/edge-1")
      ?.routes.flatMap(({ virtualHosts }) => virtualHosts)
      .flatMap(({ routes }) => routes.map(({ name }) => name));
  const exported = (name: string, namespace: string, exportTo: readonly string[]) => {
    const match = [{ uri: { prefix: `/${name}` } }];
    const http = [{ directResponse: { status: 200 }, name, match }];
    return object("VirtualService", namespace, name, {
      hosts: ["a.com"],
      gateways: ["edge/main"],
      exportTo,
      http,
    });
  };
  mesh.put(
    [
      gateway(["*"]),
      exported("all", "a", ["*"]),
      exported("named", "b", ["edge"]),
      exported("own", "edge", ["."]),
    ].join("\n---\n"),
  );
  assert.deepEqual(routesOf(), ["own", "named", "all"]);
});
