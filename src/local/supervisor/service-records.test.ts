import assert from "node:assert/strict";
import { test } from "node:test";
import type { Endpoint, EndpointSlice } from "../../kinds/endpoint-slice.ts";
import type { Service } from "../../kinds/service.ts";
import { buildDnsServices, buildServiceVips, readyTargets, slicesByService } from "./service-records.ts";

function service(spec: Partial<NonNullable<Service["spec"]>> = {}): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "db", namespace: "shop" },
    spec: { clusterIP: "10.96.0.9", ports: [{ name: "tcp", port: 6379 }], ...spec },
  };
}

function slices(...endpoints: Endpoint[]) {
  const slice: EndpointSlice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "db-1", namespace: "shop", labels: { "kubernetes.io/service-name": "db" } },
    addressType: "IPv4",
    endpoints,
    ports: [{ name: "tcp", port: 16379 }],
  };
  return slicesByService([slice]);
}

const ready: Endpoint = {
  addresses: ["10.244.0.2"],
  hostname: "db-0",
  conditions: { ready: true, serving: true },
};
const leaving: Endpoint = {
  addresses: ["10.244.0.3"],
  conditions: { ready: false, serving: true, terminating: true },
};
const unready: Endpoint = { addresses: ["10.244.0.4"], conditions: { ready: false, serving: false } };

test("readyTargets() takes ready endpoints, and leaving ones only where there is no other", () => {
  assert.deepEqual(readyTargets(service(), 6379, slices(ready, leaving, unready)), ["10.244.0.2:16379"]);
  assert.deepEqual(readyTargets(service(), 6379, slices(leaving, unready)), ["10.244.0.3:16379"]);
  assert.deepEqual(readyTargets(service(), 6379, slices(unready)), []);
});

test("slicesByService() leaves out slices of names and of IPv6, which no rule of packets here can take", () => {
  const [four] = [...slices(ready).values()].flat();
  assert.ok(four !== undefined);
  const others = (["FQDN", "IPv6"] as const).map((addressType) => ({ ...four, addressType }));
  assert.deepEqual([...slicesByService([...others, four]).values()], [[four]]);
});

test("buildServiceVips() has a VIP for each Service with an address, endpoints or not", () => {
  assert.deepEqual(buildServiceVips([service()], slices(unready)), [
    { vip: "10.96.0.9", ports: [{ port: 6379, protocol: "TCP", targets: [] }] },
  ]);
  assert.deepEqual(buildServiceVips([service({ clusterIP: "None" })], slices(ready)), []);
});

test("buildDnsServices() tells VIPs, headless endpoints with their names, and external names", () => {
  const [vip] = buildDnsServices([service()], slices(ready));
  assert.equal(vip?.kind === "vip" && vip.ip, "10.96.0.9");
  const [headless] = buildDnsServices([service({ clusterIP: "None" })], slices(ready, unready));
  assert.deepEqual(headless?.kind === "headless" && headless.endpoints, [
    { ip: "10.244.0.2", hostname: "db-0" },
  ]);
  const [external] = buildDnsServices(
    [service({ type: "ExternalName", externalName: "a.example" })],
    slices(),
  );
  assert.equal(external?.kind === "external" && external.target, "a.example");
});

test("buildDnsServices() publishes unready addresses of a headless Service that says so", () => {
  const headless = service({ clusterIP: "None", publishNotReadyAddresses: true });
  const [record] = buildDnsServices([headless], slices(ready, unready));
  assert.equal(record?.kind === "headless" && record.endpoints.length, 2);
});
