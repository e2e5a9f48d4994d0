import assert from "node:assert/strict";
import { test } from "node:test";
import type { WorkloadDescription } from "../../core/workload-description.ts";
import { httpLabels, type RecordFields, tcpLabels } from "./request-labels.ts";

const own: WorkloadDescription = {
  workload: "reviews-v1",
  namespace: "shop",
  canonicalService: "reviews",
  canonicalRevision: "v1",
  cluster: "Kubernetes",
  app: "reviews",
  version: "v1",
};
const REVIEWS = "spiffe://cluster.local/ns/shop/sa/reviews";
const WEB = "spiffe://cluster.local/ns/front/sa/web";
const SUBJECT = "UID=0f0f,unstructuredName=web-1,description=web-v2:front:web:v2:west:web:v2";

const nothing: RecordFields = {
  side: "c",
  responseFlags: "",
  cluster: "",
  service: "",
  peerPrincipal: "",
  localPrincipal: "",
  peerSubject: "",
  endpoint: "",
};

/** All labels but those that `expected` has are as of nobody. */
function assertLabels(
  found: readonly (readonly [string, string])[],
  expected: Readonly<Record<string, string>>,
): void {
  const ofNobody = Object.fromEntries(
    found.map(([name]) => [name, name.endsWith("_revision") ? "latest" : "unknown"]),
  );
  assert.deepEqual(Object.fromEntries(found), { ...ofNobody, ...expected });
}

const ofSelf = (side: "source" | "destination") => ({
  [`${side}_workload`]: "reviews-v1",
  [`${side}_canonical_service`]: "reviews",
  [`${side}_canonical_revision`]: "v1",
  [`${side}_workload_namespace`]: "shop",
  [`${side}_app`]: "reviews",
  [`${side}_version`]: "v1",
  [`${side}_cluster`]: "Kubernetes",
});

test("httpLabels() of a server under mTLS reads the caller from its certificate", () => {
  const fields = {
    ...nothing,
    side: "m",
    responseCode: "200",
    cluster: "inbound|9080||",
    service: "reviews.shop.svc.cluster.local;reviews;shop",
    peerPrincipal: WEB,
    localPrincipal: REVIEWS,
    peerSubject: SUBJECT,
  };
  assertLabels(httpLabels(own, fields, false), {
    reporter: "destination",
    source_workload: "web-v2",
    source_canonical_service: "web",
    source_canonical_revision: "v2",
    source_workload_namespace: "front",
    source_principal: WEB,
    source_app: "web",
    source_version: "v2",
    source_cluster: "west",
    ...ofSelf("destination"),
    destination_principal: REVIEWS,
    destination_service: "reviews.shop.svc.cluster.local",
    destination_service_name: "reviews",
    destination_service_namespace: "shop",
    request_protocol: "http",
    response_flags: "-",
    connection_security_policy: "mutual_tls",
    response_code: "200",
    grpc_response_status: "",
  });
});

test("httpLabels() of a server in plaintext knows nobody, and names an unknown service as itself", () => {
  const fields = { ...nothing, side: "p", responseCode: "403", responseFlags: "UAEX" };
  assertLabels(httpLabels(own, fields, false), {
    reporter: "destination",
    ...ofSelf("destination"),
    destination_service: "reviews",
    destination_service_name: "reviews",
    destination_service_namespace: "shop",
    request_protocol: "http",
    response_flags: "UAEX",
    connection_security_policy: "none",
    response_code: "403",
    grpc_response_status: "",
  });
});

test("httpLabels() of a caller takes the endpoint's metadata, and app and version from the server's certificate", () => {
  const fields = {
    ...nothing,
    responseCode: "200",
    grpcStatus: "14",
    cluster: "outbound|9080|v2|web.front.svc.cluster.local",
    endpoint: "web-v3;front;web;v3;Kubernetes",
    peerPrincipal: WEB,
    localPrincipal: REVIEWS,
    peerSubject: SUBJECT,
    authority: "web.front:9080",
  };
  assertLabels(httpLabels(own, fields, true), {
    reporter: "source",
    ...ofSelf("source"),
    source_principal: REVIEWS,
    destination_workload: "web-v3",
    destination_canonical_service: "web",
    destination_canonical_revision: "v3",
    destination_workload_namespace: "front",
    destination_principal: WEB,
    destination_app: "web",
    destination_version: "v2",
    destination_cluster: "Kubernetes",
    destination_service: "web.front.svc.cluster.local",
    destination_service_name: "web",
    destination_service_namespace: "front",
    request_protocol: "grpc",
    response_flags: "-",
    response_code: "200",
    grpc_response_status: "14",
  });
});

const services: readonly (readonly [string, Partial<RecordFields>, string, string])[] = [
  ["a request that the mesh blocks", { routeName: "block_all" }, "api.example.com", "BlackHoleCluster"],
  [
    "one that passes through",
    { routeName: "allow_any", cluster: "PassthroughCluster" },
    "api.example.com",
    "PassthroughCluster",
  ],
  ["a ServiceEntry", { service: "api.example.com;payments;bank" }, "api.example.com", "payments"],
  ["a cluster of nothing", { cluster: "BlackHoleCluster" }, "api.example.com", "BlackHoleCluster"],
  ["a host without a cluster", {}, "api.example.com", "api.example.com"],
];

for (const [what, fields, host, name] of services) {
  test(`httpLabels() names the service of ${what}`, () => {
    const all = { ...nothing, authority: "api.example.com", ...fields };
    const labels = Object.fromEntries(httpLabels(own, all, false));
    assert.deepEqual([labels.destination_service, labels.destination_service_name], [host, name]);
  });
}

test("tcpLabels() has neither a code nor gRPC's status; what was never connected is of unknown workloads", () => {
  const fields = { ...nothing, responseFlags: "UF", cluster: "outbound|6379||redis.shop.svc.cluster.local" };
  assertLabels(tcpLabels(own, fields), {
    reporter: "source",
    ...ofSelf("source"),
    destination_service: "redis.shop.svc.cluster.local",
    destination_service_name: "redis",
    request_protocol: "tcp",
    response_flags: "UF",
  });
});

test("tcpLabels() of a caller whose certificate describes nothing has its namespace from its identity", () => {
  const fields = {
    ...nothing,
    side: "m",
    peerPrincipal: WEB,
    localPrincipal: REVIEWS,
    peerSubject: "O=cluster.local",
  };
  const labels = Object.fromEntries(tcpLabels(own, fields));
  assert.deepEqual([labels.source_workload_namespace, labels.source_workload], ["front", "unknown"]);
  assert.equal(labels.connection_security_policy, "mutual_tls");
});
