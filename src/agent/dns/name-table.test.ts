import assert from "node:assert/strict";
import { test } from "node:test";
import { field, message } from "../wire-message.ts";
import { type DnsAnswer, dnsTypes } from "./dns-answer.ts";
import { decodeNameTable, resolveCaptured } from "./name-table.ts";
import { parseResolverSettings } from "./resolver-settings.ts";

const hosts: readonly (readonly [string, ...string[]])[] = [
  ["db.example.com", "240.240.0.5"],
  ["*.wild.example.com", "240.240.0.6", "fd00::6"],
  ["*.narrow.wild.example.com", "240.240.0.7"],
  ["Redis-0.redis.shop.svc.cluster.local", "10.244.0.5"],
];

const entries = hosts.map(([host, ...addresses]) =>
  field(
    1,
    message(
      field(1, host),
      field(2, message(...addresses.map((address) => field(1, address)), field(2, "External"))),
    ),
  ),
);
const table = decodeNameTable(message(...entries));
const searchDomains = ["shop.svc.cluster.local", "svc.cluster.local"];

function text(answer: DnsAnswer): string {
  const records = answer.answers.map((record) =>
    record.type === "SRV" ? "" : `${record.type} ${record.data}`,
  );
  const forward = "isKnown" in answer ? "forward, known" : "forward";
  return [answer.kind === "forward" ? forward : answer.code, ...records].join("; ");
}

const cases: readonly (readonly [string, number, string])[] = [
  ["db.example.com", dnsTypes.A, "NOERROR; A 240.240.0.5"],
  ["db.example.com", dnsTypes.AAAA, "NOERROR"],
  ["db.example.com", dnsTypes.SRV, "forward, known"],
  ["a.b.wild.example.com", dnsTypes.ANY, "forward, known"],
  ["db.example.com.shop.svc.cluster.local", dnsTypes.SRV, "forward, known"],
  ["absent.example.com", dnsTypes.SRV, "forward"],
  ["db.example.com.shop.svc.cluster.local", dnsTypes.A, "NOERROR; CNAME db.example.com; A 240.240.0.5"],
  ["db.example.com.other.svc.cluster.local", dnsTypes.A, "forward"],
  ["a.b.wild.example.com", dnsTypes.AAAA, "NOERROR; AAAA fd00::6"],
  ["a.narrow.wild.example.com", dnsTypes.A, "NOERROR; A 240.240.0.7"],
  ["wild.example.com", dnsTypes.A, "forward"],
  ["redis-0.redis.shop.svc.cluster.local", dnsTypes.A, "NOERROR; A 10.244.0.5"],
  ["absent.example.com", dnsTypes.A, "forward"],
  ["", dnsTypes.A, "forward"],
];

for (const [name, type, expected] of cases) {
  test(`resolveCaptured() answers ${type} of "${name}"`, () => {
    assert.equal(text(resolveCaptured({ name, type }, { table, searchDomains })), expected);
  });
}

test("decodeNameTable() throws on what isn't a table", () => {
  assert.throws(() => decodeNameTable(Buffer.from([0x0a, 0x20, 0x01])));
});

test("parseResolverSettings() takes servers and the last search list", () => {
  const text =
    "# made by kubelet\nnameserver 10.96.0.10\nnameserver fd00::a\nnameserver nonsense\ndomain x.\nsearch Shop.svc. svc\noptions ndots:5\n";
  assert.deepEqual(parseResolverSettings(text), {
    servers: ["10.96.0.10", "fd00::a"],
    searchDomains: ["shop.svc", "svc"],
  });
});
