// The pages as tools read them: of a whole control plane with objects, a connected proxy and its acknowledgements.

import assert from "node:assert/strict";
import { test } from "node:test";
import { objectsOf } from "../../tests/support/mesh-fixture.ts";
import { ManualClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import { keyOf } from "../model/sources.ts";
import { createControlPlane } from "./create-control-plane.ts";

const mesh = `
apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: shop, creationTimestamp: "2026-01-01T00:00:00Z" }
spec: { clusterIP: 10.96.0.1, selector: { app: reviews }, ports: [{ name: http, port: 9080 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: reviews-1, namespace: shop, labels: { kubernetes.io/service-name: reviews } }
addressType: IPv4
ports: [{ name: http, port: 8080 }]
endpoints: [{ addresses: [10.0.0.9] }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews, namespace: shop }
spec: { hosts: [reviews], http: [{ route: [{ destination: { host: reviews } }] }] }
---
apiVersion: v1
kind: Secret
metadata: { name: hidden, namespace: shop }
data: { key: aGlkZGVu }
---
kind: MeshConfig
metadata: { name: mesh }
spec: { connectTimeout: 3s }
`;

const nodeId = "sidecar~10.0.0.7~web-1.shop~shop.svc.cluster.local";

/** A page's text as JSON, of a mesh with one proxy that has its clusters and endpoints. */
function startMesh() {
  const clock = new ManualClock();
  const plane = createControlPlane({ clock, log: silentLogger });
  plane.intake.change(
    objectsOf(mesh).map((object) => ({ object, key: keyOf(object) })),
    [],
  );
  clock.advance(1_000);
  const opening = plane.fleet.open(client, {
    publish: () => undefined,
    standing: ({ type }) => (type === "cluster" || type === "endpoint" ? "in-use" : "unwanted"),
    offerAgain: () => undefined,
    close: () => undefined,
  });
  assert.ok(opening.kind === "accepted");
  const joining = opening.conversation.join();
  assert.ok(!(joining instanceof Promise) && joining.kind === "joined");
  joining.session.asked?.("cluster");
  joining.session.sent?.("cluster", "1", { resourceCount: 1, removedCount: 0, bytes: 1 });
  const page = async (path: string) => {
    const { status, contentType, text } = await plane.debugPages(path);
    assert.deepEqual([status, contentType], [200, "application/json"]);
    return JSON.parse(text);
  };
  return { page, pages: plane.debugPages };
}

const client = {
  nodeId,
  node: {
    id: nodeId,
    cluster: "web.shop",
    metadata: { LABELS: { app: "web" }, CLUSTER_ID: "Kubernetes", ISTIO_VERSION: "0.1.0" },
    locality: { region: "", zone: "", subZone: "" },
    userAgentName: "envoy",
    userAgentVersion: "1.40.0",
  },
  peer: undefined,
  owner: undefined,
  identity: { proof: "none" },
  protocol: "delta",
  remoteAddress: undefined,
  servesSecrets: true,
  metadata: () => undefined,
} as const;

test("the page syncz has the proxy's release and its Envoy's apart", async () => {
  assert.deepEqual(await startMesh().page("syncz"), [
    {
      cluster_id: "Kubernetes",
      proxy: "web-1.shop",
      proxy_type: "sidecar",
      proxy_version: "1.40.0",
      istio_version: "0.1.0",
      cluster_sent: "1",
    },
  ]);
});

test("the pages of a proxy have what it asked for, by its id or how that begins", async () => {
  const { page } = startMesh();
  const { configs } = await page("config_dump?proxyID=web-1.shop");
  const typeOf = (section: { "@type": string }) => section["@type"].split(".").at(-1);
  assert.deepEqual(configs.map(typeOf), [
    "ClustersConfigDump",
    "ListenersConfigDump",
    "RoutesConfigDump",
    "SecretsConfigDump",
    "EcdsConfigDump",
  ]);
  assert.ok(configs[0].dynamic_active_clusters.length > 3);
  assert.equal(configs[1].dynamic_listeners, undefined);
  const withEndpoints = await page("config_dump?proxyID=web-1&include_eds=true");
  assert.equal(typeOf(withEndpoints.configs.at(-1)), "EndpointsConfigDump");
  const [assignment] = await page("edsz?proxyID=web-1.shop");
  assert.equal(assignment.cluster_name, "outbound|9080||reviews.shop.svc.cluster.local");
});

test("the pages adsz and connections have who is connected, and what each asked for", async () => {
  const { page } = startMesh();
  const connection = {
    connectionId: nodeId,
    connectedAt: "1970-01-01T00:00:01.000Z",
    address: "10.0.0.7",
    labels: { app: "web" },
  };
  assert.deepEqual(await page("connections"), { totalClients: 1, clients: [connection] });
  const { clients } = await page("adsz");
  assert.deepEqual(clients[0].watches["type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"], [
    "outbound|9080||reviews.shop.svc.cluster.local",
  ]);
});

test("the pages registryz and endpointShardz have services and endpoints in the fields of Istio's registry", async () => {
  const { page } = startMesh();
  const [service] = await page("registryz");
  assert.deepEqual(
    [service.hostname, service.Attributes.Namespace, service.ports, service.clusterVIPs],
    [
      "reviews.shop.svc.cluster.local",
      "shop",
      [{ name: "http", port: 9080, protocol: "HTTP" }],
      { Addresses: { Kubernetes: ["10.96.0.1"] } },
    ],
  );
  const shards = await page("endpointShardz");
  const [endpoint] = shards["reviews.shop.svc.cluster.local"].shop.Shards["Kubernetes/Kubernetes"];
  assert.deepEqual(
    [endpoint.Addresses, endpoint.EndpointPort, endpoint.ServicePortName, endpoint.HealthStatus],
    [["10.0.0.9"], 8080, "http", 1],
  );
});

test("the pages configz and mesh have Istio's kinds alone, and MeshConfig with its defaults", async () => {
  const { page } = startMesh();
  const objects: { kind: string }[] = await page("configz");
  assert.deepEqual(
    objects.map(({ kind }) => kind),
    ["VirtualService"],
  );
  const { connectTimeout, enableAutoMtls } = await page("mesh");
  assert.deepEqual([connectTimeout, enableAutoMtls], ["3s", true]);
});

test("what can't be answered is said in the words by which Istio's tools go on", async () => {
  const { pages } = startMesh();
  const said = async (path: string) => {
    const { status, text } = await pages(path);
    return [status, text];
  };
  assert.deepEqual(await said("nonsense"), [404, "404 page not found"]);
  assert.deepEqual(await said("constructor"), [404, "404 page not found"]);
  assert.deepEqual(await said("edsz"), [400, "You must provide a proxyID in the query string"]);
  assert.deepEqual(await said("edsz?proxyID=gone.shop"), [
    404,
    "Proxy not connected to this Pilot instance. It may be connected to another instance.",
  ]);
});

test("the index and the page list name every page", async () => {
  const { page, pages } = startMesh();
  const names: string[] = await page("list");
  assert.ok(names.includes("syncz") && names.includes("config_dump"));
  const { text, contentType } = await pages("");
  assert.match(contentType, /text\/html/);
  for (const name of names) assert.match(text, new RegExp(`/debug/${name}[?"]`));
});
