import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterTable, filterClusters, parseClusterName } from "./cluster-table.ts";
import { clustersOf, listenersOf, routesOf, secretsOf } from "./config-dump.ts";
import { endpointsOf, endpointTable, filterEndpoints } from "./endpoint-table.ts";
import { filterListeners, listenerTable } from "./listener-table.ts";
import { filterRoutes, routeTable } from "./route-table.ts";
import { secretTable } from "./secret-table.ts";

const ENVOY = "type.googleapis.com/envoy.admin.v3";

function lines(table: string): string[] {
  return table.trimEnd().split("\n");
}

const reviewsV1 = {
  name: "outbound|9080|v1|reviews.shop.svc.cluster.local",
  type: "EDS",
  metadata: {
    filter_metadata: { meltemi: { from: "Service/shop/reviews, DestinationRule/shop/reviews spec" } },
  },
};
const inbound = { name: "inbound|8080||", type: "ORIGINAL_DST" };
const blackHole = { name: "BlackHoleCluster", type: "STATIC" };

test("clustersOf() finds static and dynamic clusters", () => {
  const section = {
    "@type": `${ENVOY}.ClustersConfigDump`,
    static_clusters: [{ cluster: blackHole }],
    dynamic_active_clusters: [{ cluster: reviewsV1 }],
  };
  assert.deepEqual(clustersOf({ configs: [section] }), [blackHole, reviewsV1]);
});

test("parseClusterName() reads both of Istio's separators", () => {
  const parts = { hostname: "a.b", port: "80", subset: "v1", direction: "outbound" };
  assert.deepEqual(parseClusterName("outbound|80|v1|a.b"), parts);
  assert.deepEqual(parseClusterName("outbound_.80_.v1_.a.b"), parts);
});

test("clusterTable() sorts by host and names the DestinationRule", () => {
  assert.deepEqual(lines(clusterTable([reviewsV1, blackHole])), [
    "SERVICE FQDN                     PORT   SUBSET   DIRECTION   TYPE     DESTINATION RULE",
    "BlackHoleCluster                 -      -        -           STATIC   -",
    "reviews.shop.svc.cluster.local   9080   v1       outbound    EDS      reviews.shop",
  ]);
});

test("clusterTable() reads Istio's own provenance too", () => {
  const config = "/apis/networking.istio.io/v1/namespaces/shop/destination-rule/reviews";
  const cluster = { ...reviewsV1, metadata: { filter_metadata: { istio: { config } } } };
  assert.match(clusterTable([cluster]), / reviews\.shop\n$/);
});

const clusterFilters = [
  { filter: { fqdn: "reviews" }, wanted: [reviewsV1] },
  { filter: { port: 8080 }, wanted: [inbound] },
  { filter: { direction: "outbound" }, wanted: [reviewsV1] },
  { filter: { subset: "v2" }, wanted: [] },
  { filter: {}, wanted: [reviewsV1, inbound, blackHole] },
];

for (const { filter, wanted } of clusterFilters) {
  test(`filterClusters() by ${JSON.stringify(filter)}`, () => {
    assert.deepEqual(filterClusters([reviewsV1, inbound, blackHole], filter), wanted);
  });
}

function socket(address: string, port_value: number) {
  return { socket_address: { address, port_value } };
}

const virtualInbound = {
  name: "virtualInbound",
  address: socket("0.0.0.0", 15006),
  filter_chains: [
    {
      filter_chain_match: {
        transport_protocol: "tls",
        application_protocols: ["istio", "h2"],
        destination_port: 80,
      },
      filters: [{ typed_config: { rds: { route_config_name: "inbound|80||" } } }],
    },
    {
      filter_chain_match: { prefix_ranges: [{ address_prefix: "10.0.0.0", prefix_len: 8 }] },
      filters: [
        {
          typed_config: {
            weighted_clusters: {
              clusters: [
                { name: "a", weight: 90 },
                { name: "b", weight: 10 },
              ],
            },
          },
        },
      ],
    },
  ],
  default_filter_chain: { filters: [{ typed_config: { cluster: "InboundPassthroughCluster" } }] },
};

test("listenerTable() has a line for each filter chain", () => {
  assert.deepEqual(lines(listenerTable([virtualInbound])), [
    "ADDRESSES   PORT    MATCH                                 DESTINATION",
    "0.0.0.0     15006   Trans: tls; App: istio,h2; Port: 80   Route: inbound|80||",
    "0.0.0.0     15006   Addr: 10.0.0.0/8                      Cluster: a (90), b (10)",
    "0.0.0.0     15006   ALL                                   Cluster: InboundPassthroughCluster",
  ]);
});

test("listenersOf() looks into the active state of dynamic listeners", () => {
  const section = {
    "@type": `${ENVOY}.ListenersConfigDump`,
    dynamic_listeners: [
      { name: "virtualInbound", active_state: { listener: virtualInbound } },
      { name: "warming" },
    ],
  };
  assert.deepEqual(listenersOf({ configs: [section] }), [virtualInbound]);
});

test("filterListeners() chooses by port and by address", () => {
  const other = { name: "0.0.0.0_80", address: socket("0.0.0.0", 80) };
  assert.deepEqual(filterListeners([virtualInbound, other], { port: 80 }), [other]);
  assert.deepEqual(filterListeners([virtualInbound, other], { address: "10.0.0.1" }), []);
});

test("routeTable() has a line for each route and names the VirtualService", () => {
  const from = "VirtualService/shop/reviews spec.http[0]";
  const host = {
    name: "reviews:80",
    domains: ["reviews", "reviews.shop", "10.96.0.7"],
    routes: [
      {
        match: { path: "/one", headers: [{ name: "end-user" }] },
        metadata: { filter_metadata: { meltemi: { from } } },
      },
      { match: { prefix: "/" } },
    ],
  };
  assert.deepEqual(lines(routeTable([{ name: "80", virtual_hosts: [host] }])), [
    "NAME   VHOST NAME   DOMAINS                          MATCH             VIRTUAL SERVICE",
    "80     reviews:80   reviews, reviews.shop + 1 more   /one (end-user)   reviews.shop",
    "80     reviews:80   reviews, reviews.shop + 1 more   /*                -",
  ]);
});

test("filterRoutes() chooses by name", () => {
  const section = {
    "@type": `${ENVOY}.RoutesConfigDump`,
    dynamic_route_configs: [{ route_config: { name: "80" } }, { route_config: { name: "9080" } }],
  };
  assert.deepEqual(filterRoutes(routesOf({ configs: [section] }), { name: "9080" }), [{ name: "9080" }]);
});

const statuses = {
  cluster_statuses: [
    {
      name: "outbound|80||a",
      host_statuses: [
        { address: socket("10.0.0.1", 80), health_status: { eds_health_status: "HEALTHY" } },
        {
          address: socket("10.0.0.2", 80),
          health_status: { eds_health_status: "HEALTHY", failed_outlier_check: true },
        },
        { address: socket("fd00::1", 80), health_status: { eds_health_status: "DRAINING" } },
      ],
    },
  ],
};

test("endpointTable() shows health and ejection", () => {
  assert.deepEqual(lines(endpointTable(endpointsOf(statuses))), [
    "ENDPOINT       STATUS     OUTLIER CHECK   CLUSTER",
    "[fd00::1]:80   DRAINING   OK              outbound|80||a",
    "10.0.0.1:80    HEALTHY    OK              outbound|80||a",
    "10.0.0.2:80    HEALTHY    FAILED          outbound|80||a",
  ]);
});

test("filterEndpoints() chooses by status in any case", () => {
  const found = filterEndpoints(endpointsOf(statuses), { status: "draining" });
  assert.deepEqual(
    found.map(({ endpoint }) => endpoint),
    ["[fd00::1]:80"],
  );
});

test("secretTable() says once which secrets hold no certificate yet", () => {
  const section = {
    "@type": `${ENVOY}.SecretsConfigDump`,
    dynamic_warming_secrets: [{ name: "kubernetes://gone" }, { name: "kubernetes://gone" }],
  };
  assert.deepEqual(lines(secretTable(secretsOf({ configs: [section] }), 0)).slice(1), [
    "kubernetes://gone   Cert Chain   WARMING   false        -               -           -",
  ]);
});
