import assert from "node:assert/strict";
import { test } from "node:test";
import type { EndpointSlice } from "../kinds/endpoint-slice.ts";
import { isFirstRevision, replicaAddresses } from "./replica-directory.ts";

function slice(name: string, revision: string, fields: Partial<EndpointSlice> = {}): EndpointSlice {
  const labels = { "app.kubernetes.io/name": "meltemi", "istio.io/rev": revision };
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name, namespace: "meltemi-system", labels },
    addressType: "IPv4",
    ports: [
      { name: "http-monitoring", port: 15014 },
      { name: "grpc-xds-tls", port: 15012 },
    ],
    endpoints: [],
    ...fields,
  } as EndpointSlice;
}

const pod = (name: string) => ({ kind: "Pod", name });

test("replicaAddresses() has each replica once, ready or not", () => {
  const endpoints = [
    { addresses: ["10.0.0.2"], targetRef: pod("b"), conditions: { ready: false } },
    { addresses: ["10.0.0.1"], targetRef: pod("a"), conditions: { ready: true } },
  ];
  const six = { addressType: "IPv6", endpoints: [{ addresses: ["fd00::1"], targetRef: pod("a") }] } as const;
  const found = replicaAddresses(
    [slice("x", "default", { endpoints }), slice("y", "default", six)],
    "meltemi-system",
  );
  const shared = { revision: "default", port: 15012 };
  assert.deepEqual(found, [
    { name: "a", host: "10.0.0.1", isReady: true, ...shared },
    { name: "b", host: "10.0.0.2", isReady: false, ...shared },
  ]);
});

test("replicaAddresses() knows control planes by namespace, label and port", () => {
  const endpoints = [{ addresses: ["10.0.0.1"], targetRef: pod("a") }];
  const [known, elsewhere, other, portless] = [
    slice("w", "canary", { endpoints }),
    slice("x", "canary", { endpoints, metadata: { ...slice("x", "canary").metadata, namespace: "shop" } }),
    slice("y", "canary", { endpoints, metadata: { name: "y", namespace: "meltemi-system", labels: {} } }),
    slice("z", "canary", { endpoints, ports: [] }),
  ];
  assert.equal(replicaAddresses([elsewhere, other, portless], "meltemi-system").length, 0);
  assert.equal(replicaAddresses([known], "meltemi-system")[0]?.revision, "canary");
});

test("isFirstRevision() is true of one among those that are ready", () => {
  const of = (revision: string, isReady = true) => ({ name: "a", revision, host: "", port: 1, isReady });
  const all = [of("default"), of("blue"), of("green")];
  assert.deepEqual(
    ["default", "blue", "green"].map((own) => isFirstRevision(own, all)),
    [true, false, false],
  );
  assert.equal(isFirstRevision("blue", [of("default", false), of("green")]), true);
});
