import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sidecar, type ViewFixture, viewFixture } from "../../tests/support/view-fixture.ts";
import type { InboundView } from "./inbound.ts";

describe("inbound views", () => {
  test("have the ports of the services that select the workload, by the application's numbers", () => {
    const mesh = viewFixture(
      [
        service(
          "web",
          "app: web",
          "{ name: http, port: 80, targetPort: 8080 }, { name: grpc, port: 90, targetPort: rpc }",
        ),
        service("other", "app: other", "{ name: http, port: 81 }"),
        service("lonely", "", "{ name: http, port: 82 }"),
        pod("web-1"),
      ].join("---"),
    );
    const view = connect(mesh, "web-1");
    assert.deepEqual(
      view.listener.ports.map(({ port, protocol }) => [port, protocol]),
      [
        [8080, "HTTP"],
        [9999, "GRPC"],
      ],
    );
    assert.deepEqual(
      view.clusters.map(({ port }) => port),
      [8080, 9999],
    );
  });

  test("give a port another generation when a policy that asks for it says something else about the port", () => {
    const ports = "{ name: http, port: 8080 }, { name: tcp, port: 9000 }";
    const mesh = viewFixture([service("web", "app: web", ports), pod("web-1")].join("---"));
    const closing = (spec: string, comment = "") => `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: web, namespace: shop, annotations: { meltemi.dev/close-connections-on-change: "true", comment: "${comment}" } }
spec: ${spec}
`;
    const generations = () => {
      const { ports: own, otherPortsGeneration } = viewOf(mesh, "web-1").listener;
      return [...own.map(({ generation }) => generation), otherPortsGeneration];
    };
    const deny = (path: string) =>
      `{ action: DENY, rules: [{ to: [{ operation: { ports: ["8080"], paths: ["${path}"] } }] }] }`;
    assert.deepEqual(
      [connect(mesh, "web-1").id.length > 0, generations()],
      [true, [undefined, undefined, undefined]],
    );
    mesh.put(closing(deny("/a")));
    const [first, ...others] = generations();
    assert.ok(first !== undefined);
    assert.deepEqual(others, [undefined, undefined]);
    mesh.put(closing(deny("/a"), "another text"));
    assert.deepEqual(generations(), [first, undefined, undefined]);
    mesh.put(closing(deny("/b")));
    assert.notEqual(generations()[0], first);
    mesh.put(closing(deny("/a")));
    assert.equal(generations()[0], first, "what it says decides, not how it came to say it");
    mesh.put(closing('{ rules: [{ to: [{ operation: { ports: ["8080"] } }] }] }'));
    const allowing = generations();
    mesh.put(closing('{ rules: [{ to: [{ operation: { ports: ["8080"], paths: ["/a"] } }] }] }'));
    assert.notEqual(generations()[0], allowing[0]);
    assert.deepEqual(generations().slice(1), allowing.slice(1), "but that it is there concerns every port");
    assert.ok(allowing.every((each) => each !== undefined));
  });

  test("take the oldest service's protocol where several lead to one port", () => {
    const mesh = viewFixture(
      [
        service("young", "app: web", "{ name: tcp, port: 81, targetPort: 8080 }", "2026-01-02T00:00:00Z"),
        service("old", "app: web", "{ name: http, port: 80, targetPort: 8080 }", "2026-01-01T00:00:00Z"),
      ].join("---"),
    );
    const { listener, provenance } = connect(mesh, "web-1");
    assert.deepEqual(
      listener.ports.map(({ protocol }) => protocol),
      ["HTTP"],
    );
    assert.deepEqual(
      provenance.map(({ object }) => object),
      ["Service/shop/old", "Service/shop/young"],
    );
  });

  test("keep their listener where one more service leads to a port, or a policy says what holds anyway", () => {
    const mesh = viewFixture(service("web", "app: web", "{ name: http, port: 80, targetPort: 8080 }"));
    const { listener } = connect(mesh, "web-1");
    // By its name before the other one.
    mesh.put(service("canary", "app: web", "{ name: http, port: 81, targetPort: 8080 }"));
    mesh.put(peerAuthentication("{ mtls: { mode: PERMISSIVE } }"));
    const after = viewOf(mesh, "web-1");
    assert.deepEqual(after.listener, listener);
    assert.deepEqual(
      after.provenance.map(({ object }) => object),
      ["Service/shop/canary", "Service/shop/web", "PeerAuthentication/shop/web"],
    );
  });

  test("have the ports of services of their namespace that name the workload's address as an endpoint", () => {
    const entry = (namespace: string, port: number) => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: own, namespace: ${namespace} }
spec:
  hosts: [own.${namespace}.example]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{ number: 80, name: http, protocol: HTTP }]
  endpoints: [{ address: 10.244.0.9, ports: { http: ${port} } }, { address: 10.244.0.10 }]
`;
    const bySlice = `
apiVersion: v1
kind: Service
metadata: { name: manual, namespace: shop }
spec: { clusterIP: 10.96.0.5, ports: [{ name: grpc, port: 90 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: manual-1, namespace: shop, labels: { kubernetes.io/service-name: manual } }
addressType: IPv4
ports: [{ name: grpc, port: 9000 }]
endpoints: [{ addresses: [10.244.0.9] }]
`;
    const mesh = viewFixture([entry("shop", 8080), entry("other", 8081), bySlice].join("---"));
    assert.deepEqual(
      connect(mesh, "web-1").listener.ports.map(({ port, protocol }) => [port, protocol]),
      [
        [8080, "HTTP"],
        [9000, "GRPC"],
      ],
    );
  });

  test("have the mTLS mode of each port and of the rest", () => {
    const mesh = viewFixture(
      `${service("web", "app: web", "{ name: http, port: 80 }, { name: tcp, port: 81 }")}---${peerAuthentication(
        "{ selector: { matchLabels: { app: web } }, mtls: { mode: STRICT }, portLevelMtls: { 81: { mode: DISABLE } } }",
      )}`,
    );
    const { listener } = connect(mesh, "web-1");
    assert.deepEqual(
      [...listener.ports.map(({ mode }) => mode), listener.otherPortsMode],
      ["STRICT", "DISABLE", "STRICT"],
    );
  });

  test("have the mode of each port that a policy speaks of and no service", () => {
    const ports =
      "{ 80: { mode: DISABLE }, 9091: { mode: PERMISSIVE }, 9090: { mode: DISABLE }, 9092: { mode: STRICT } }";
    const spec = `{ selector: { matchLabels: { app: web } }, mtls: { mode: STRICT }, portLevelMtls: ${ports} }`;
    const mesh = viewFixture(
      `${service("web", "app: web", "{ name: http, port: 80 }")}---${peerAuthentication(spec)}`,
    );
    assert.deepEqual(connect(mesh, "web-1").listener.otherPorts, [
      { port: 9090, mode: "DISABLE" },
      { port: 9091, mode: "PERMISSIVE" },
    ]);
  });

  test("have no chain for the ports that take captured traffic", () => {
    const mesh = viewFixture(
      service(
        "web",
        "app: web",
        "{ name: http, port: 80 }, { name: in, port: 81, targetPort: 15006 }, { name: out, port: 15001 }",
      ),
    );
    assert.deepEqual(
      connect(mesh, "web-1").listener.ports.map(({ port }) => port),
      [80],
    );
    const spec = "{ selector: { matchLabels: { app: web } }, portLevelMtls: { 15006: { mode: DISABLE } } }";
    mesh.put(peerAuthentication(spec));
    assert.deepEqual(viewOf(mesh, "web-1").listener.otherPorts, []);
  });

  test("are shared by replicas, and by nobody else", () => {
    const mesh = viewFixture(service("web", "app: web", "{ name: http, port: 80 }"));
    const [one, two] = [connect(mesh, "web-1"), connect(mesh, "web-2")];
    mesh.connect(sidecar("shop", "api-1", { app: "api" }));
    assert.equal(one.id, two.id);
    assert.equal(mesh.views.inbound.size, 2);
  });

  test("are none of a gateway's", () => {
    const mesh = viewFixture(service("web", "app: web", "{ name: http, port: 80 }"));
    mesh.connect({ ...sidecar("shop", "edge", { app: "web" }), kind: "router" });
    assert.equal(mesh.views.inboundOfProxy.size, 0);
  });
});

function connect(mesh: ViewFixture, name: string): InboundView {
  mesh.connect(sidecar("shop", name, { app: "web" }));
  return viewOf(mesh, name);
}

function viewOf(mesh: ViewFixture, name: string): InboundView {
  const view = mesh.views.inboundOfProxy.get(`shop/${name}`);
  assert.ok(view !== undefined);
  return view;
}

function service(name: string, selector: string, ports: string, createdAt = "2026-01-01T00:00:00Z"): string {
  return `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop, creationTimestamp: "${createdAt}" }
spec: { clusterIP: 10.96.0.1, selector: { ${selector} }, ports: [${ports}] }
`;
}

function pod(name: string): string {
  return `
apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: shop, labels: { app: web } }
spec: { containers: [{ name: app, image: web, ports: [{ name: rpc, containerPort: 9999 }] }] }
`;
}

function peerAuthentication(spec: string): string {
  return `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: web, namespace: shop }
spec: ${spec}
`;
}
