import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { tlsSecretData } from "../../../tests/support/keyed-certificate-fixture.ts";
import { sidecar, viewFixture } from "../../../tests/support/view-fixture.ts";
import type { GatewayView } from "./gateway-views.ts";

const HTTP = "port: { number: 80, name: http, protocol: HTTP }";
const WEB = `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { clusterIP: 10.96.0.1, ports: [{ name: http, port: 80 }] }
`;

describe("gateway views", () => {
  test("have a listener and a route table for a port of HTTP", () => {
    const view = viewOf(WEB, gateway("edge", `{ ${HTTP}, hosts: [a.com] }`), routes("a", "[a.com]"));
    assert.deepEqual(
      view.listeners.map(({ name }) => name),
      ["0.0.0.0_80"],
    );
    assert.deepEqual(tables(view), {
      "http.80": { "a.com:80": ["a.com", "a.com."], "blackhole:80": ["*"] },
    });
  });

  test("listen on the proxy's IP families, under the same route table", () => {
    const mesh = viewFixture(
      [WEB, gateway("edge", `{ ${HTTP}, hosts: [a.com] }`), routes("a", "[a.com]")].join("---"),
    );
    const listening = (addresses: readonly string[]) => {
      mesh.connect({ ...sidecar("infra", "edge-1", { app: "edge" }), kind: "router", addresses });
      const view = mesh.views.gatewayOfProxy.get("infra/edge-1");
      assert.ok(view !== undefined);
      assert.deepEqual(Object.keys(tables(view)), ["http.80"]);
      return view.listeners.map(({ name, additionalAddress }) => [name, additionalAddress]);
    };
    assert.deepEqual(listening(["fd00::9"]), [["::_80", undefined]]);
    assert.deepEqual(listening(["10.244.0.9", "fd00::9"]), [["0.0.0.0_80", "::"]]);
  });

  test("listen where the Service in front of the gateway points", () => {
    const front = `
apiVersion: v1
kind: Service
metadata: { name: edge, namespace: infra }
spec: { clusterIP: 10.96.0.9, selector: { app: edge }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
`;
    const view = viewOf(WEB, front, gateway("edge", `{ ${HTTP}, hosts: [a.com] }`), routes("a", "[a.com]"));
    assert.deepEqual(
      view.listeners.map(({ name }) => name),
      ["0.0.0.0_8080"],
    );
    assert.deepEqual(Object.keys(tables(view)), ["http.8080"]);
  });

  test("listen on each target of the Services in front, but for those that keep the Gateways' numbers", () => {
    const front = (name: string, targetPort: number, label = "") => `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: infra, labels: { ${label} } }
spec: { clusterIP: 10.96.0.9, selector: { app: edge }, ports: [{ name: http, port: 80, targetPort: ${targetPort} }] }
`;
    const kept = front("kept", 9999, 'experimental.istio.io/disable-gateway-port-translation: "true"');
    const listening = (...services: readonly string[]) =>
      viewOf(
        WEB,
        ...services,
        gateway("edge", `{ ${HTTP}, hosts: [a.com] }`),
        routes("a", "[a.com]"),
      ).listeners.map(({ name }) => name);
    assert.deepEqual(listening(kept), ["0.0.0.0_80"]);
    assert.deepEqual(listening(kept, front("a", 8081), front("b", 8080)), ["0.0.0.0_8080", "0.0.0.0_8081"]);
  });

  test("give a port to the oldest server of plain bytes alone", () => {
    const tcp = "{ port: { number: 80, name: tcp, protocol: TCP }, hosts: ['*'] }";
    const toDb = (edge: string) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: to-${edge}, namespace: shop }
spec: { hosts: ["*"], gateways: [shop/${edge}], tcp: [{ route: [{ destination: { host: ${edge}-db } }] }] }
`;
    const old = gateway("old", tcp, "2026-01-01T00:00:00Z");
    const young = gateway("young", tcp, "2026-01-02T00:00:00Z");
    const [listener] = viewOf(old, young, toDb("old"), toDb("young")).listeners;
    assert.deepEqual(
      listener?.chains.map(({ provenance }) => provenance[0]?.object),
      ["VirtualService/shop/to-old"],
    );
    assert.deepEqual(viewOf(old, young, toDb("young")).listeners, [], "also where it leads nowhere");
    const http = gateway("young", `{ ${HTTP}, hosts: [a.com] }`, "2026-01-02T00:00:00Z");
    assert.deepEqual(viewOf(WEB, old, http, routes("a", "[a.com]")).listeners, []);
  });

  test("add up the VirtualServices of one host, rules that take everything last", () => {
    const view = viewOf(
      WEB,
      gateway("edge", `{ ${HTTP}, hosts: ["*"] }`),
      routes("all", "[a.com]", "{ name: all"),
      routes("part", "[a.com]", "{ name: part, match: [{ uri: { prefix: /a } }]"),
    );
    const [host] = view.routes[0]?.virtualHosts ?? [];
    assert.deepEqual(
      host?.routes.map(({ name }) => name),
      ["part", "all"],
    );
  });

  test("know a rule that takes everything, however an older VirtualService writes it", () => {
    for (const uri of ["{ regex: .* }", "{ regex: ^/.*$ }", "{ prefix: '' }", "{}"]) {
      const view = viewOf(
        WEB,
        gateway("edge", `{ ${HTTP}, hosts: ["*"] }`),
        routes("a-old", "[a.com]", `{ name: all, match: [{ uri: ${uri} }]`),
        routes("b-new", "[a.com]", "{ name: part, match: [{ uri: { prefix: /x } }]"),
      );
      const [host] = view.routes[0]?.virtualHosts ?? [];
      assert.deepEqual(
        host?.routes.map(({ name }) => name),
        ["part", "all"],
        uri,
      );
    }
  });

  test("are asked for an IPv6 host in brackets, as clients write it", () => {
    const view = viewOf(WEB, gateway("edge", `{ ${HTTP}, hosts: ["*"] }`), routes("six", '["fd00::7"]'));
    assert.deepEqual(tables(view)["http.80"]?.["fd00::7:80"], ["[fd00::7]"]);
  });

  test("take only hosts that the server names, from namespaces that it names", () => {
    const view = viewOf(
      WEB,
      gateway("edge", `{ ${HTTP}, hosts: ["shop/*.a.com", "other/b.com"] }`),
      routes("some", "[x.a.com, b.com, c.com]"),
    );
    assert.deepEqual(Object.keys(tables(view)["http.80"] ?? {}), ["x.a.com:80", "blackhole:80"]);
  });

  test("narrow a VirtualService's wildcard to what the server takes", () => {
    const view = viewOf(WEB, gateway("edge", `{ ${HTTP}, hosts: [x.a.com] }`), routes("wide", "['*.a.com']"));
    assert.deepEqual(Object.keys(tables(view)["http.80"] ?? {}), ["x.a.com:80", "blackhole:80"]);
  });

  test("redirect to HTTPS without any rule behind", () => {
    const view = viewOf(gateway("edge", `{ ${HTTP}, hosts: [a.com], tls: { httpsRedirect: true } }`));
    const [host] = view.routes[0]?.virtualHosts ?? [];
    assert.deepEqual([host?.domains, host?.requiresTls], [["a.com", "a.com."], true]);
  });

  test("offer no TLS server until its Secret is in the gateway's own namespace, with a certificate", () => {
    const https = gateway(
      "edge",
      "{ port: { number: 443, name: https, protocol: HTTPS }, hosts: [a.com], tls: { mode: SIMPLE, credentialName: cert } }",
    );
    const good = tlsSecretData();
    assert.deepEqual(viewOf(https, secret("shop", good)).listeners, []);
    assert.deepEqual(viewOf(https, secret("infra", "{ tls.crt: a }")).listeners, []);
    const [listener] = viewOf(https, secret("infra", good)).listeners;
    assert.deepEqual(listener?.chains[0]?.tls?.secrets, ["kubernetes://cert"]);
    assert.deepEqual(listener.chains[0]?.serverNames, ["a.com"]);
  });

  test("keep a server name with the oldest Gateway that claims it", () => {
    const tls = (name: string, hosts: string) =>
      `{ port: { number: 443, name: ${name}, protocol: HTTPS }, hosts: ${hosts}, tls: { mode: ISTIO_MUTUAL } }`;
    const view = viewOf(
      gateway("young", tls("b", "[a.com, b.com]"), "2026-01-02T00:00:00Z"),
      gateway("old", tls("a", "[a.com]"), "2026-01-01T00:00:00Z"),
    );
    assert.deepEqual(
      view.listeners[0]?.chains.map(({ serverNames, provenance }) => [serverNames, provenance[0]?.object]),
      [
        [["a.com"], "Gateway/shop/old"],
        [["b.com"], "Gateway/shop/young"],
      ],
    );
  });

  test("pass TLS through by server name, and bytes by port", () => {
    const view = viewOf(
      WEB,
      gateway(
        "edge",
        "{ port: { number: 443, name: tls, protocol: TLS }, hosts: [a.com], tls: { mode: PASSTHROUGH } }, { port: { number: 99, name: tcp, protocol: TCP }, hosts: ['*'] }",
      ),
      `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: bytes, namespace: shop }
spec:
  hosts: [a.com]
  gateways: [edge]
  tls: [{ match: [{ sniHosts: [a.com] }], route: [{ destination: { host: web } }] }]
  tcp: [{ match: [{ port: 99 }], route: [{ destination: { host: web } }] }]
`,
    );
    assert.deepEqual(
      view.listeners.map(({ name, chains }) => [
        name,
        chains.map(({ serverNames, forward }) => [serverNames, forward.kind]),
      ]),
      [
        ["0.0.0.0_99", [[[], "tcp"]]],
        ["0.0.0.0_443", [[["a.com"], "tcp"]]],
      ],
    );
  });

  test("pass no server name through that isn't the server's, however wide a rule's names are", () => {
    const view = viewOf(
      WEB,
      gateway(
        "edge",
        '{ port: { number: 443, name: tls, protocol: TLS }, hosts: ["*.a.com", b.com, other/c.com], tls: { mode: PASSTHROUGH } }',
      ),
      `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: wide, namespace: shop }
spec:
  hosts: ["*.com"]
  gateways: [edge]
  tls: [{ match: [{ sniHosts: [x.a.com, "*.com", d.com] }], route: [{ destination: { host: web } }] }]
`,
    );
    const [listener] = view.listeners;
    assert.deepEqual(
      listener?.chains.map(({ serverNames }) => serverNames.toSorted()),
      [["*.a.com", "b.com", "x.a.com"]],
    );
  });

  test("have no listener where the proxy listens itself, also not through a Service's target port", () => {
    const front = `
apiVersion: v1
kind: Service
metadata: { name: edge, namespace: infra }
spec: { clusterIP: 10.96.0.9, selector: { app: edge }, ports: [{ name: http, port: 80, targetPort: 15090 }] }
`;
    const servers = [80, 81, 15000, 15020, 15021].map(
      (number) => `{ port: { number: ${number}, name: http-${number}, protocol: HTTP }, hosts: [a.com] }`,
    );
    const bound = "{ bind: 10.0.0.5, port: { number: 15021, name: one, protocol: HTTP }, hosts: [a.com] }";
    const view = viewOf(WEB, front, gateway("edge", [...servers, bound].join()), routes("a", "[a.com]"));
    assert.deepEqual(
      view.listeners.map(({ name }) => name),
      ["0.0.0.0_81"],
    );
  });

  test("listen once on every address, however that is written", () => {
    const six = '{ bind: "::", port: { number: 80, name: http-six, protocol: HTTP }, hosts: [b.com] }';
    const mesh = viewFixture(
      [WEB, gateway("edge", `{ ${HTTP}, hosts: [a.com] }, ${six}`), routes("a", "[a.com, b.com]")].join(
        "---",
      ),
    );
    const addresses = ["10.244.0.9", "fd00::9"];
    mesh.connect({ ...sidecar("infra", "edge-1", { app: "edge" }), kind: "router", addresses });
    const listeners = mesh.views.gatewayOfProxy.get("infra/edge-1")?.listeners ?? [];
    assert.deepEqual(
      listeners.map(({ address, additionalAddress }) => [address, additionalAddress]),
      [["0.0.0.0", "::"]],
    );
  });

  test("are of Gateways that select the proxy", () => {
    const other = gateway("edge", `{ ${HTTP}, hosts: [a.com] }`).replace("app: edge", "app: other");
    assert.deepEqual(viewOf(WEB, other, routes("a", "[a.com]")).listeners, []);
  });
});

function viewOf(...documents: readonly string[]): GatewayView {
  const mesh = viewFixture(documents.join("---"));
  mesh.connect({ ...sidecar("infra", "edge-1", { app: "edge" }), kind: "router" });
  const view = mesh.views.gatewayOfProxy.get("infra/edge-1");
  assert.ok(view !== undefined);
  return view;
}

function tables({
  routes: found,
}: GatewayView): Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> {
  return Object.fromEntries(
    found.map(({ name, virtualHosts }) => [
      name,
      Object.fromEntries(virtualHosts.map((host) => [host.name, host.domains])),
    ]),
  );
}

function gateway(name: string, servers: string, createdAt = "2026-01-01T00:00:00Z"): string {
  return `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: ${name}, namespace: shop, creationTimestamp: "${createdAt}" }
spec: { selector: { app: edge }, servers: [${servers}] }
`;
}

function routes(name: string, hosts: string, rule = "{ name: rule"): string {
  return `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${name}, namespace: shop }
spec: { hosts: ${hosts}, gateways: [edge], http: [${rule}, route: [{ destination: { host: web } }] }] }
`;
}

function secret(namespace: string, values: string): string {
  return `
apiVersion: v1
kind: Secret
metadata: { name: cert, namespace: ${namespace} }
stringData: ${values}
`;
}
