// Calls to addresses that ranges of ServiceEntries hold, walked through what a sidecar is served.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { configOf } from "./simulated-proxy.ts";
import { type Call, walkCall } from "./walk-call.ts";

const mesh = readFileSync(new URL("../golden/meshes/ranges.yaml", import.meta.url), "utf8");
const client = {
  type: "sidecar",
  id: "client.shop",
  ips: ["10.244.0.9"],
  namespace: "shop",
  dnsDomain: "shop.svc.cluster.local",
  metadata: {},
} as const;
const config = configOf(mesh, client);

const HTTP = { protocol: "http", tls: "plaintext" } as const;
const TCP = { protocol: "tcp", tls: "plaintext" } as const;
const tls = (sni: string) => ({ protocol: "tcp", tls: "tls", sni }) as const;
const SERVICE = "outbound|8088||within.shop.svc.cluster.local";
const toEntry = (name: string) => `outbound|8088||${name}.example.com`;

const calls: readonly (readonly [address: string, how: Partial<Call>, cluster: string])[] = [
  ["10.98.0.1", { ...HTTP, hostHeader: "within" }, SERVICE],
  ["10.98.0.1", { ...HTTP, hostHeader: "10.98.0.1" }, SERVICE],
  ["10.98.0.2", { ...HTTP, hostHeader: "within" }, toEntry("wide")],
  ["10.98.0.2", TCP, toEntry("wide")],
  ["172.16.0.1", { ...HTTP, hostHeader: "within" }, SERVICE],
  ["172.16.0.1", TCP, "PassthroughCluster"],
  ["10.98.5.1", { ...HTTP, hostHeader: "10.98.5.1" }, toEntry("sniffed")],
  ["10.98.5.1", TCP, toEntry("sniffed")],
  ["192.0.2.88", TCP, toEntry("sniffed")],
  ["10.98.4.1", tls("named.example.com"), toEntry("named")],
  // As in Istio: a range's chains take what they name, and nothing falls back to a wider range or to names alone.
  ["10.98.4.1", tls("nowhere.example.com"), "PassthroughCluster"],
  ["172.30.0.1", tls("named.example.com"), toEntry("named")],
  ["172.31.0.1", tls("nowhere.example.com"), toEntry("nowhere")],
];

for (const [address, how, cluster] of calls) {
  const name = how.hostHeader ?? how.sni ?? "bytes";
  test(`${how.protocol} to ${address} for ${name} goes to ${cluster}`, () => {
    const call = { address, port: 8088, path: "/", callMode: "outbound", ...HTTP, ...how } as const;
    assert.equal(walkCall(config, call).clusterMatched, cluster);
  });
}
