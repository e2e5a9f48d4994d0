import assert from "node:assert/strict";
import { test } from "node:test";
import { type DnsAnswer, dnsTypes } from "../../agent/dns/dns-answer.ts";
import { buildDnsTable, reverseName } from "./dns-table.ts";
import { resolve } from "./resolve.ts";

const http = { name: "http", port: 80, protocol: "TCP" } as const;

const table = buildDnsTable({
  services: [
    { kind: "vip", namespace: "shop", name: "reviews", ip: "10.96.0.1", ports: [http] },
    {
      kind: "headless",
      namespace: "shop",
      name: "redis",
      endpoints: [
        { ip: "10.244.0.5", hostname: "redis-0" },
        { ip: "10.244.0.6", hostname: "redis-1" },
        { ip: "10.244.0.7" },
      ],
      ports: [{ name: "tcp", port: 6379, protocol: "TCP" }],
    },
    { kind: "headless", namespace: "shop", name: "empty", endpoints: [], ports: [] },
    { kind: "external", namespace: "shop", name: "out", target: "Example.com." },
    { kind: "external", namespace: "shop", name: "alias", target: "reviews.shop.svc.cluster.local" },
    { kind: "external", namespace: "shop", name: "loop", target: "loop.shop.svc.cluster.local" },
  ],
  hosts: [{ name: "host.meltemi.internal", addresses: ["10.0.2.2", "fd00::2"] }],
});

function text(answer: DnsAnswer): string {
  const records = answer.answers.map((record) =>
    record.type === "SRV" ? `SRV ${record.port} ${record.target}` : `${record.type} ${record.data}`,
  );
  return [answer.kind === "forward" ? `forward ${answer.name}` : answer.code, ...records].join("; ");
}

const cases: readonly (readonly [string, keyof typeof dnsTypes, string])[] = [
  ["reviews.shop.svc.cluster.local", "A", "NOERROR; A 10.96.0.1"],
  ["reviews.shop.svc.cluster.local", "AAAA", "NOERROR"],
  ["redis.shop.svc.cluster.local", "A", "NOERROR; A 10.244.0.5; A 10.244.0.6; A 10.244.0.7"],
  ["redis-1.redis.shop.svc.cluster.local", "A", "NOERROR; A 10.244.0.6"],
  ["10-244-0-7.redis.shop.svc.cluster.local", "A", "NOERROR; A 10.244.0.7"],
  ["redis-9.redis.shop.svc.cluster.local", "A", "NXDOMAIN"],
  ["empty.shop.svc.cluster.local", "A", "NOERROR"],
  ["absent.shop.svc.cluster.local", "A", "NXDOMAIN"],
  ["shop.svc.cluster.local", "A", "NOERROR"],
  ["nowhere.svc.cluster.local", "A", "NXDOMAIN"],
  ["_http._tcp.reviews.shop.svc.cluster.local", "SRV", "NOERROR; SRV 80 reviews.shop.svc.cluster.local"],
  ["_tcp.reviews.shop.svc.cluster.local", "SRV", "NOERROR"],
  ["_grpc._tcp.reviews.shop.svc.cluster.local", "SRV", "NXDOMAIN"],
  [reverseName("10.96.0.1"), "PTR", "NOERROR; PTR reviews.shop.svc.cluster.local"],
  [reverseName("10.244.0.5"), "PTR", "NOERROR; PTR redis-0.redis.shop.svc.cluster.local"],
  [reverseName("192.0.2.1"), "PTR", "forward 1.2.0.192.in-addr.arpa"],
  ["out.shop.svc.cluster.local", "A", "forward example.com; CNAME example.com"],
  ["out.shop.svc.cluster.local", "CNAME", "NOERROR; CNAME example.com"],
  ["alias.shop.svc.cluster.local", "A", "NOERROR; CNAME reviews.shop.svc.cluster.local; A 10.96.0.1"],
  ["loop.shop.svc.cluster.local", "A", "NOERROR; CNAME loop.shop.svc.cluster.local"],
  ["host.meltemi.internal", "A", "NOERROR; A 10.0.2.2"],
  ["host.meltemi.internal", "ANY", "NOERROR; A 10.0.2.2; AAAA fd00::2"],
  ["other.meltemi.internal", "A", "NXDOMAIN"],
  ["example.com", "A", "forward example.com"],
  ["notcluster.local", "A", "forward notcluster.local"],
  ["", "NS", "forward "],
];

for (const [name, type, expected] of cases) {
  test(`resolve() answers ${type} of "${name}"`, () => {
    assert.equal(text(resolve({ name, type: dnsTypes[type] }, table)), expected);
  });
}

test("resolve() gives the addresses of SRV targets beside them", () => {
  const answer = resolve({ name: "redis.shop.svc.cluster.local", type: dnsTypes.SRV }, table);
  assert(answer.kind === "answer");
  assert.equal(answer.answers.length, 3);
  assert.deepEqual(
    answer.additionals.map((record) => record.type === "A" && record.data),
    ["10.244.0.5", "10.244.0.6", "10.244.0.7"],
  );
});
