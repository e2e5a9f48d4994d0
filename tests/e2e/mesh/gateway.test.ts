// Issue 3, item 3: what comes in from the machine through an ingress gateway, as HTTP, TLS and WebSocket.

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { after, before, test } from "node:test";
import { eventually } from "./eventually.ts";
import type { PodClient } from "./pod-client.ts";
import type { RunningMesh } from "./running-mesh.ts";
import { skipWithoutMesh as skip, startMesh } from "./running-mesh.ts";
import type { ServerCertificate } from "./server-certificate.ts";
import { makeServerCertificate, tlsSecret } from "./server-certificate.ts";

let mesh: RunningMesh;
let machine: PodClient;
let http: string;
let https: string;
let ownCertificate: ServerCertificate;

before(
  async () => {
    if (skip !== false) return;
    ownCertificate = await makeServerCertificate("own.example");
    mesh = await startMesh({
      manifests: ["gateway.yaml", "tls-server.yaml", "legacy.yaml"],
      files: {
        "gateway-servers.yaml": gatewayServers,
        "gateway-routes.yaml": gatewayRoutes,
        "egress.yaml": egress,
        "delegates.yaml": delegates,
        "tls-server-secret.yaml": tlsSecret("tls-server", ownCertificate),
      },
    });
    machine = mesh.machineClient();
    [http, https] = (await Promise.all([80, 443].map((port) => mesh.gatewayUrl(port)))) as [string, string];
  },
  { timeout: 120_000 },
);
after(() => mesh?.close());

// Host own.example passes through to who has its certificate; shop.example has one that isn't there at first.
const gatewayServers = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: test}
spec:
  selector: {istio: ingressgateway}
  servers:
    - port: {number: 80, name: http, protocol: HTTP}
      hosts: ["*"]
    - port: {number: 80, name: http-moved, protocol: HTTP}
      hosts: [moved.example]
      tls: {httpsRedirect: true}
    - port: {number: 443, name: https, protocol: HTTPS}
      hosts: [shop.example]
      tls: {mode: SIMPLE, credentialName: shop-certificate}
    - port: {number: 443, name: tls, protocol: TLS}
      hosts: [own.example]
      tls: {mode: PASSTHROUGH}
`;

const gatewayRoutes = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: test}
spec:
  hosts: [shop.example, "*.shop.example"]
  gateways: [edge]
  http:
    - match: [{uri: {prefix: /v2}}]
      route: [{destination: {host: echo, port: {number: 80}, subset: v2}}]
    - route: [{destination: {host: echo, port: {number: 80}, subset: v1}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: anyone, namespace: test}
spec:
  hosts: ["*"]
  gateways: [edge]
  http:
    - match: [{uri: {prefix: /socket}}]
      route: [{destination: {host: echo, port: {number: 80}}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: own, namespace: test}
spec:
  hosts: [own.example]
  gateways: [edge]
  tls:
    - match: [{sniHosts: [own.example]}]
      route: [{destination: {host: tls-server, port: {number: 443}}}]
`;

// Out of the mesh by the gateway: with TLS of the mesh on the way to it, under a server name of the rule's own.
const egress = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: egress, namespace: test}
spec:
  selector: {istio: ingressgateway}
  servers:
    - port: {number: 443, name: https, protocol: HTTPS}
      hosts: [site.example]
      tls: {mode: ISTIO_MUTUAL}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: gateway, namespace: test}
spec:
  host: gateway
  subsets:
    - name: site
      trafficPolicy:
        portLevelSettings: [{port: {number: 443}, tls: {mode: ISTIO_MUTUAL, sni: site.example}}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: site, namespace: test}
spec:
  hosts: [site.example]
  addresses: [198.51.100.9]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints: [{address: legacy.test.svc.cluster.local}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: site, namespace: test}
spec:
  hosts: [site.example]
  gateways: [mesh, egress]
  http:
    - match: [{gateways: [mesh], port: 80}]
      route: [{destination: {host: gateway, subset: site, port: {number: 443}}}]
    - match: [{gateways: [egress], port: 443}]
      route: [{destination: {host: site.example, port: {number: 80}}}]
`;

// Delegates within what the root matches, and one that names a gateway which the root keeps to itself.
const delegates = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: root, namespace: test}
spec:
  hosts: [parts.example]
  gateways: [edge, mesh]
  http:
    - match: [{uri: {exact: /login}}]
      delegate: {name: login, namespace: parts}
    - match: [{uri: {prefix: /team}, headers: {x-team: {prefix: red}}, gateways: [edge]}]
      delegate: {name: team, namespace: parts}
    - match: [{uri: {prefix: /internal}, gateways: [mesh]}]
      delegate: {name: internal, namespace: parts}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: login, namespace: parts}
spec:
  http:
    - match: [{uri: {exact: /login}}]
      route: [{destination: {host: echo.test.svc.cluster.local, port: {number: 80}, subset: v1}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: team, namespace: parts}
spec:
  http:
    - match: [{headers: {x-team: {exact: red-1}}}]
      route: [{destination: {host: echo.test.svc.cluster.local, port: {number: 80}, subset: v2}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: internal, namespace: parts}
spec:
  http:
    - match: [{uri: {prefix: /internal}, gateways: [test/edge]}]
      route: [{destination: {host: echo.test.svc.cluster.local, port: {number: 80}}}]
`;

const host = "shop.example";

test("a gateway routes HTTP from the machine by host and path, over mTLS to the pods", { skip }, async () => {
  const first = await machine.echo({ url: `${http}/`, host });
  assert.equal(first.version, "v1");
  assert.match(
    first.headers["x-forwarded-client-cert"] ?? "",
    /URI=spiffe:\/\/cluster\.local\/ns\/test\/sa\/gateway/,
  );
  assert.equal((await machine.echo({ url: `${http}/v2/page`, host: "www.shop.example" })).version, "v2");
  assert.equal((await machine.request({ url: `${http}/`, host: "other.example" })).status, 404);
});

test("a sidecar speaks to a gateway as its server does: plain text without a rule", { skip }, async () => {
  const client = await mesh.client("client");
  assert.equal((await client.echo({ url: "http://gateway/", host })).version, "v1");
});

test("a sidecar's mTLS reaches the gateway's server by the server name of its rule, and ends there", {
  skip,
}, async () => {
  const client = await mesh.client("client");
  const { version, headers } = await client.echo({ url: "http://198.51.100.9/", host: "site.example" });
  assert.equal(version, "legacy");
  assert.equal(headers["x-forwarded-client-cert"], undefined, "who calls is nothing for a server outside");
  assert.ok(headers["x-request-id"] !== undefined);
});

test("a gateway follows delegates within what their root matches, and no further", { skip }, async () => {
  const parts = { host: "parts.example" };
  assert.equal((await machine.echo({ ...parts, url: `${http}/login` })).version, "v1");
  const team = { ...parts, url: `${http}/team`, headers: { "x-team": "red-1" } };
  assert.equal((await machine.echo(team)).version, "v2");
  assert.equal((await machine.request({ ...team, headers: { "x-team": "red-2" } })).status, 404);
  assert.equal((await machine.request({ ...parts, url: `${http}/internal` })).status, 404);
  assert.match(mesh.output(), /Rule spec.http\[0\] of delegate "parts\/internal" has no effect/);
});

test("a gateway redirects to HTTPS where it is told so", { skip }, async () => {
  const { status, headers } = await machine.request({ url: `${http}/page`, host: "moved.example" });
  assert.deepEqual([status, headers.location], [301, "https://moved.example/page"]);
});

test("a WebSocket through the gateway echoes", { skip }, async () => {
  const messages = ["one", "two", "three"];
  const url = `${http.replace("http:", "ws:")}/socket`;
  assert.deepEqual(await machine.websocket(url, messages), messages);
});

test("TLS without its Secret is refused, while the gateway's other hosts are served", { skip }, async () => {
  const refused = await machine.request({ url: `${https}/`, host, timeoutMs: 3_000 });
  assert.match(refused.error ?? `it answered ${refused.status}`, /^(ECONNRESET|ECONNREFUSED|EPIPE)$/);
  assert.equal((await machine.request({ url: `${http}/`, host })).status, 200);
});

test("TLS passes through to the server whose certificate it is", { skip }, async () => {
  const own = { url: `${https}/`, host: "own.example", ca: ownCertificate.certificatePem };
  const response = await machine.request({ ...own, isNew: true });
  assert.equal(response.status, 200, response.error);
  assert.equal(response.headers["x-version"], "tls-server");
});

test("a Secret that is made is served, and one that is changed too, without a failed request", {
  skip,
}, async () => {
  const certificates = await Promise.all([host, host].map(makeServerCertificate));
  const [first, second] = certificates as [ServerCertificate, ServerCertificate];
  const serialOf = ({ certificatePem }: ServerCertificate) =>
    new X509Certificate(certificatePem).serialNumber;
  const call = { url: `${https}/`, host, ca: first.certificatePem + second.certificatePem };
  const assertServed = (certificate: ServerCertificate) =>
    eventually(async () => {
      const { status, serial, error } = await machine.request({ ...call, isNew: true });
      assert.deepEqual([status, serial], [200, serialOf(certificate)], error);
    });
  await mesh.save("secret.yaml", tlsSecret("shop-certificate", first));
  await assertServed(first);
  const load = await machine.load({ ...call, connections: 3, pauseMs: 5 });
  const hasAnswered = async (count: number) =>
    eventually(async () => assert((await load.tally()).total >= count));
  await hasAnswered(30);
  await mesh.save("secret.yaml", tlsSecret("shop-certificate", second));
  await assertServed(second);
  await mesh.waitUntilInStep();
  await hasAnswered((await load.tally()).total + 30);
  assert.deepEqual((await load.stop()).failures, []);
});

test("a gateway's new host is served as soon as it is saved", { skip }, async () => {
  await mesh.save("gateway-servers.yaml", gatewayServers.replace("[moved.example]", "[old.example]"));
  await eventually(async () => {
    const { status } = await machine.request({ url: `${http}/`, host: "old.example" });
    assert.equal(status, 301);
  });
  assert.equal((await machine.request({ url: `${http}/`, host: "moved.example" })).status, 404);
});
