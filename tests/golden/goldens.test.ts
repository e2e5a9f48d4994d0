// What the builders make of small inputs, whole: read these files to see what an Envoy is told.

import { test } from "node:test";
import { buildOutboundCluster } from "../../src/envoy/cluster/outbound-cluster.ts";
import { buildOutboundListener } from "../../src/envoy/listener/outbound-listener.ts";
import { buildVirtualInbound } from "../../src/envoy/listener/virtual-inbound.ts";
import { buildRoute } from "../../src/envoy/route/route.ts";
import { ClusterSchema } from "../../src/gen/envoy/config/cluster/v3/cluster_pb.ts";
import { ListenerSchema } from "../../src/gen/envoy/config/listener/v3/listener_pb.ts";
import { RouteSchema } from "../../src/gen/envoy/config/route/v3/route_components_pb.ts";
import { seen, sidecar, type ViewFixture, viewFixture } from "../support/view-fixture.ts";
import { assertGolden, json } from "./printed.ts";

const WEB = `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { clusterIP: 10.96.0.1, selector: { app: web }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
---
apiVersion: v1
kind: Service
metadata: { name: redis, namespace: shop }
spec: { clusterIP: 10.96.0.2, selector: { app: redis }, ports: [{ name: redis, port: 6379 }] }
`;

const TRACED = `
apiVersion: meltemi.dev/v1
kind: MeshConfig
metadata: { name: mesh }
spec:
  defaultProviders: { tracing: [spans] }
  extensionProviders: [{ name: spans, opentelemetry: { service: web.shop.svc.cluster.local, port: 80, http: { path: /v1/traces } } }]
  defaultConfig: { tracing: { sampling: 5, customTags: { tenant: { header: { name: x-tenant } } } } }
`;

const HOST = "service: web.shop.svc.cluster.local, port: 80";
const LOGGED = `
apiVersion: meltemi.dev/v1
kind: MeshConfig
metadata: { name: mesh }
spec:
  defaultProviders: { accessLogging: [a, b, c] }
  extensionProviders:
    - { name: a, envoyHttpAls: { ${HOST}, logName: mine, additionalRequestHeadersToLog: [x-team] } }
    - { name: b, envoyTcpAls: { ${HOST}, filterStateObjectsToLog: [some] } }
    - name: c
      envoyOtelAls: { ${HOST}, logFormat: { text: "%REQ(:PATH)%", labels: { "b": "%PROTOCOL%", "a": [1, { c: true }] } } }
`;

test("a listener of HTTP", () => {
  // What the agent is told is in the golden of TCP.
  assertGolden("listener-http", withoutLoggers(listener(viewFixture(WEB), "0.0.0.0_80")));
});

test("what a listener says of traces", () => {
  const built = listener(viewFixture(`${WEB}---${TRACED}`), "0.0.0.0_80");
  const found: unknown[] = [];
  JSON.stringify(built, (key, inner) => {
    if (key === "tracing") found.push(inner);
    return inner;
  });
  const { customTags, ...tracing } = found[0] as { readonly customTags: readonly { readonly tag: string }[] };
  // Of Istio's own tags, which are many, one of each sort.
  const shown = ["istio.authorization.dry_run.deny_policy.name", "istio.namespace", "tenant"];
  assertGolden("tracing", { ...tracing, customTags: customTags.filter(({ tag }) => shown.includes(tag)) });
});

test("what a listener says of services that take logs", () => {
  const built = listener(viewFixture(`${WEB}---${LOGGED}`), "0.0.0.0_80");
  const found: unknown[] = [];
  JSON.stringify(built, (key, inner) => {
    if (key === "accessLog") found.push(inner);
    return inner;
  });
  const logs = found[0] as readonly { readonly filter?: { readonly runtimeFilter?: unknown } }[];
  assertGolden(
    "access-log-services",
    logs.filter(({ filter }) => filter?.runtimeFilter === undefined),
  );
});

test("a listener of a TCP service", () => {
  assertGolden("listener-tcp", listener(viewFixture(WEB), "10.96.0.2_6379"));
});

test("a cluster without any rule", () => {
  // Its metadata is as the next one's.
  const { metadata: _metadata, ...rest } = cluster(
    viewFixture(WEB),
    "outbound|80||web.shop.svc.cluster.local",
  );
  assertGolden("cluster", rest);
});

test("a cluster of a subset with limits and outlier detection", () => {
  const rule = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: web, namespace: shop }
spec:
  host: web
  trafficPolicy:
    connectionPool: { tcp: { maxConnections: 10, connectTimeout: 2s }, http: { http1MaxPendingRequests: 5, maxRetries: 2 } }
    outlierDetection: { consecutive5xxErrors: 3, interval: 5s, baseEjectionTime: 30s, maxEjectionPercent: 50 }
    tls: { mode: DISABLE }
  subsets: [{ name: v1, labels: { version: v1 }, trafficPolicy: { loadBalancer: { simple: ROUND_ROBIN } } }]
`;
  const mesh = viewFixture(`${WEB}---${rule}`);
  assertGolden("cluster-subset", cluster(mesh, "outbound|80|v1|web.shop.svc.cluster.local"));
});

test("a route of a rule with matches, weights, retries and fault", () => {
  const routes = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: web, namespace: shop }
spec:
  hosts: [web]
  http:
    - name: canary
      match: [{ uri: { prefix: /api/ }, headers: { x-user: { exact: ann } } }]
      rewrite: { uri: / }
      timeout: 3s
      retries: { attempts: 3, perTryTimeout: 1s, retryOn: 5xx }
      fault: { delay: { fixedDelay: 1s, percentage: { value: 10 } } }
      headers: { request: { set: { x-canary: "yes" } } }
      route: [{ destination: { host: web, subset: v1 }, weight: 90 }, { destination: { host: web, subset: v2 }, weight: 10 }]
`;
  const mesh = viewFixture(`${WEB}---${routes}`);
  const host = seen(mesh.views.virtualHosts.table, "", "80 web.shop.svc.cluster.local:80");
  const [first] = host?.routes ?? [];
  assertGolden("route", first === undefined ? undefined : json(RouteSchema, buildRoute(first)));
});

test("the filter chains of virtualInbound, permissive", () => {
  const mesh = viewFixture(WEB);
  mesh.connect(sidecar("shop", "web-1", { app: "web" }));
  const inputs = mesh.views.inboundOfProxy.get("shop/web-1")?.listener;
  const built = inputs === undefined ? undefined : buildVirtualInbound(inputs, 15006);
  const chains = (built?.filterChains ?? []).map((chain) => ({
    name: chain.name,
    match: chain.filterChainMatch,
    filters: chain.filters?.map(({ name }) => name).join(),
    tls: chain.transportSocket?.name,
  }));
  assertGolden("virtual-inbound-permissive", JSON.parse(JSON.stringify(chains)));
});

function listener({ views }: ViewFixture, name: string): unknown {
  const inputs = seen(views.listeners, "", name);
  return inputs === undefined ? undefined : json(ListenerSchema, buildOutboundListener(inputs));
}

function withoutLoggers(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, inner) => (key.startsWith("accessLog") ? undefined : inner)));
}

function cluster({ views }: ViewFixture, name: string): Readonly<Record<string, unknown>> {
  const inputs = seen(views.clusters, "", name);
  return inputs === undefined ? {} : json(ClusterSchema, buildOutboundCluster(inputs));
}
