import assert from "node:assert/strict";
import { test } from "node:test";
import { objectKey } from "../core/object-key.ts";
import { spiffeId } from "../core/spiffe-id.ts";
import type { ServiceEndpoint } from "../model/endpoints.ts";
import type { MeshService } from "../model/service.ts";
import { endpointShards, registeredServices } from "./registry-report.ts";

const reviews: MeshService = {
  hostname: "reviews.shop.svc.cluster.local",
  namespace: "shop",
  name: "reviews",
  registry: "Kubernetes",
  ports: [{ name: "http", number: 80, protocol: "HTTP", targetPort: 8080 }],
  addresses: ["10.96.0.1"],
  aliases: [],
  resolution: "endpoints",
  isExternal: false,
  visibility: "public",
  selector: { app: "reviews" },
  parts: [],
  subjectAltNames: [],
  publishesNotReady: false,
  isNodeLocal: false,
  preference: "none",
  createdAt: "2026-01-01T00:00:00Z",
  object: objectKey({ kind: "Service", namespace: "shop", name: "reviews" }),
};
const external: MeshService = {
  ...reviews,
  hostname: "api.example.com",
  namespace: "bank",
  name: "api",
  registry: "External",
  addresses: [],
  automaticAddress: "240.240.0.1",
  resolution: "dns",
  isExternal: true,
  visibility: { namespaces: ["bank", "shop"] },
  selector: undefined,
};
const endpoint: ServiceEndpoint = {
  servicePort: 80,
  address: "10.244.0.7",
  port: 8080,
  labels: { app: "reviews" },
  identity: spiffeId({ trustDomain: "cluster.local", namespace: "shop", serviceAccount: "reviews" }),
  isMutualTls: true,
  isHealthy: true,
  isDraining: false,
  weight: 1,
  locality: "eu/west/a",
  nodeName: "node-1",
  workload: "reviews-v1",
  namespace: "shop",
  description: "reviews-v1;shop;reviews;latest;Kubernetes",
};

function factsOf(services: readonly MeshService[], endpoints: readonly ServiceEndpoint[] = []) {
  return { services: () => services, endpointsOf: () => endpoints };
}

test("registeredServices() says of each service what Istio's registry does, by namespace and host", () => {
  assert.deepEqual(registeredServices(factsOf([reviews, external])), [
    {
      Attributes: {
        ServiceRegistry: "External",
        Name: "api",
        Namespace: "bank",
        LabelSelectors: {},
        ExportTo: { bank: {}, shop: {} },
      },
      ports: [{ name: "http", port: 80, protocol: "HTTP" }],
      creationTime: "2026-01-01T00:00:00Z",
      hostname: "api.example.com",
      clusterVIPs: { Addresses: { Kubernetes: [] } },
      defaultAddress: "0.0.0.0",
      autoAllocatedIPv4Address: "240.240.0.1",
      Resolution: 1,
      MeshExternal: true,
    },
    {
      Attributes: {
        ServiceRegistry: "Kubernetes",
        Name: "reviews",
        Namespace: "shop",
        LabelSelectors: { app: "reviews" },
        ExportTo: { "*": {} },
      },
      ports: [{ name: "http", port: 80, protocol: "HTTP" }],
      creationTime: "2026-01-01T00:00:00Z",
      hostname: "reviews.shop.svc.cluster.local",
      clusterVIPs: { Addresses: { Kubernetes: ["10.96.0.1"] } },
      defaultAddress: "10.96.0.1",
      Resolution: 0,
      MeshExternal: false,
    },
  ]);
});

for (const [resolution, number] of [
  ["endpoints", 0],
  ["dns", 1],
  ["headless", 2],
  ["none", 2],
  ["dns-round-robin", 3],
] as const) {
  test(`registeredServices() calls the resolution ${resolution} ${number}`, () => {
    const [service] = registeredServices(factsOf([{ ...reviews, resolution }]));
    assert.equal((service as { readonly Resolution: number }).Resolution, number);
  });
}

test("endpointShards() has endpoints by host, namespace and registry, with the accounts that they run as", () => {
  const unknown = { ...endpoint, servicePort: 81, identity: undefined, isMutualTls: false };
  assert.deepEqual(endpointShards(factsOf([reviews], [endpoint, endpoint, unknown])), {
    "reviews.shop.svc.cluster.local": {
      shop: {
        Shards: {
          "Kubernetes/Kubernetes": [
            shown,
            shown,
            { ...shown, ServicePortName: "", ServiceAccount: "", TLSMode: "disabled" },
          ],
        },
        ServiceAccounts: { "spiffe://cluster.local/ns/shop/sa/reviews": {} },
      },
    },
  });
});

const shown = {
  Labels: { app: "reviews" },
  Addresses: ["10.244.0.7"],
  ServicePortName: "http",
  ServiceAccount: "spiffe://cluster.local/ns/shop/sa/reviews",
  Locality: { Label: "eu/west/a", ClusterID: "Kubernetes" },
  EndpointPort: 8080,
  LbWeight: 1,
  TLSMode: "istio",
  Namespace: "shop",
  WorkloadName: "reviews-v1",
  HealthStatus: 1,
};

for (const [isHealthy, isDraining, status] of [
  [true, false, 1],
  [false, false, 2],
  [false, true, 3],
  [true, true, 3],
] as const) {
  test(`endpointShards() gives health ${status} for healthy: ${isHealthy}, draining: ${isDraining}`, () => {
    const shards = endpointShards(factsOf([reviews], [{ ...endpoint, isHealthy, isDraining }]));
    assert.match(JSON.stringify(shards), new RegExp(`"HealthStatus":${status}}`));
  });
}

test("endpointShards() keeps one host's services of two namespaces apart", () => {
  const other = { ...reviews, namespace: "bank" };
  const { [reviews.hostname]: shards = {} } = endpointShards(factsOf([reviews, other]));
  assert.deepEqual(Object.keys(shards as object), ["bank", "shop"]);
});
