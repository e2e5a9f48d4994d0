import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "../../kinds/pod/pod.ts";
import type { Service } from "../../kinds/service.ts";
import { buildEndpointSlices } from "./endpoint-slices.ts";

interface PodOptions {
  readonly ip?: string;
  readonly isReady?: boolean;
  readonly isLeaving?: boolean;
  readonly httpPort?: number;
  readonly namespace?: string;
}

function pod(name: string, options: PodOptions = {}): Pod {
  const {
    ip = "10.244.0.5",
    isReady = true,
    isLeaving = false,
    httpPort = 8080,
    namespace = "shop",
  } = options;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace,
      labels: { app: "reviews" },
      ...(isLeaving ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
    },
    spec: {
      hostname: name,
      subdomain: "reviews",
      containers: [{ name: "app", ports: [{ name: "http", containerPort: httpPort }] }],
    },
    status: {
      phase: "Running",
      podIP: ip,
      conditions: [{ type: "Ready", status: isReady ? "True" : "False" }],
    },
  };
}

function service(spec: Partial<Service["spec"]> = {}): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "reviews", namespace: "shop" },
    spec: {
      selector: { app: "reviews" },
      ports: [{ name: "http", port: 80, targetPort: "http" }],
      ...spec,
    },
  };
}

test("buildEndpointSlices() resolves named ports and names the pod behind each address", () => {
  const [slice] = buildEndpointSlices(service(), [pod("a")]);
  assert.deepEqual(slice?.ports, [{ name: "http", port: 8080, protocol: "TCP" }]);
  assert.deepEqual(slice?.endpoints?.[0], {
    addresses: ["10.244.0.5"],
    conditions: { ready: true, serving: true, terminating: false },
    hostname: "a",
    nodeName: "local",
    targetRef: { kind: "Pod", name: "a", namespace: "shop" },
  });
  assert.equal(slice?.metadata.labels?.["kubernetes.io/service-name"], "reviews");
});

test("buildEndpointSlices() makes a slice for each set of resolved ports", () => {
  const slices = buildEndpointSlices(service(), [pod("a"), pod("b", { httpPort: 9090 })]);
  assert.deepEqual(
    slices.map((slice) => slice.ports?.[0]?.port),
    [8080, 9090],
  );
  assert.notEqual(slices[0]?.metadata.name, slices[1]?.metadata.name);
});

test("buildEndpointSlices() keeps a terminating pod as serving, not ready", () => {
  const [slice] = buildEndpointSlices(service(), [pod("a", { isLeaving: true })]);
  assert.deepEqual(slice?.endpoints?.[0]?.conditions, { ready: false, serving: true, terminating: true });
});

test("buildEndpointSlices() publishes unready addresses only when told to", () => {
  const unready = [pod("a", { isReady: false })];
  const [plain] = buildEndpointSlices(service(), unready);
  const [published] = buildEndpointSlices(service({ publishNotReadyAddresses: true }), unready);
  assert.equal(plain?.endpoints?.[0]?.conditions?.ready, false);
  assert.equal(published?.endpoints?.[0]?.conditions?.ready, true);
});

test("buildEndpointSlices() leaves out pods of other namespaces and ended ones", () => {
  const ended: Pod = { ...pod("b"), status: { ...pod("b").status, phase: "Succeeded" } };
  const [slice] = buildEndpointSlices(service(), [pod("a", { namespace: "other" }), ended]);
  assert.deepEqual(slice?.endpoints, []);
});

test("buildEndpointSlices() makes none for a Service without a selector", () => {
  assert.deepEqual(buildEndpointSlices(service({ selector: {} }), [pod("a")]), []);
});
