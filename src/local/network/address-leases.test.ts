import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { AddressLeases } from "./address-leases.ts";
import { addressAt, ipv4Range } from "./ipv4-range.ts";

const ranges = { pods: ipv4Range("10.244.0.0/16"), services: ipv4Range("10.96.0.0/16") };

function leasesFile(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "meltemi-leases-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return join(directory, "leases.json");
}

test("leasePod() gives a name its address again, over restarts too", (t) => {
  const file = leasesFile(t);
  const first = new AddressLeases(file, ranges);
  assert.equal(first.leasePod("shop/a"), "10.244.0.2");
  assert.equal(first.leasePod("shop/b"), "10.244.0.3");
  first.releasePod("shop/a");
  assert.equal(first.leasePod("shop/c"), "10.244.0.4");
  const second = new AddressLeases(file, ranges);
  assert.equal(second.leasePod("shop/b"), "10.244.0.3");
  assert.equal(second.leasePod("shop/a"), "10.244.0.2");
});

test("leasePod() takes addresses of pods long gone only when no other is left", (t) => {
  const leases = new AddressLeases(leasesFile(t), { ...ranges, pods: ipv4Range("10.244.0.0/29") });
  const ips = ["a", "b", "c", "d", "e"].map((name) => leases.leasePod(name));
  assert.deepEqual(ips.at(-1), "10.244.0.6");
  // The one that has been unused for longest goes first, whenever it was leased.
  leases.releasePod("d");
  leases.releasePod("b");
  assert.equal(leases.leasePod("f"), "10.244.0.5");
  assert.equal(leases.leasePod("g"), "10.244.0.3");
  assert.throws(() => leases.leasePod("h"), /No address is left/);
});

test("leasePod() forgets the oldest of more than 1,000 pods that are gone", (t) => {
  const file = leasesFile(t);
  const before = Array.from({ length: 995 }, (_, pod) => [`shop/${pod}`, addressAt(ranges.pods, 2 + pod)]);
  writeFileSync(file, JSON.stringify({ pods: Object.fromEntries(before), services: {} }));
  const leases = new AddressLeases(file, ranges);
  for (let pod = 995; pod < 1_010; pod += 1) {
    leases.leasePod(`shop/${pod}`);
    leases.releasePod(`shop/${pod}`);
  }
  const saved = JSON.parse(readFileSync(file, "utf8")) as { pods: Record<string, string> };
  assert.equal(Object.keys(saved.pods).length, 1_001);
  assert.equal(saved.pods["shop/8"], undefined);
  assert.equal(saved.pods["shop/9"], "10.244.0.11");
});

test("leaseService() honours clusterIP, in the range or out of it, and says who has it", (t) => {
  const leases = new AddressLeases(leasesFile(t), ranges);
  assert.deepEqual(leases.leaseService("shop/a"), { kind: "leased", ip: "10.96.0.1" });
  assert.deepEqual(leases.leaseService("shop/b", "10.96.7.7"), { kind: "leased", ip: "10.96.7.7" });
  assert.deepEqual(leases.leaseService("shop/c", "172.20.0.9"), { kind: "leased", ip: "172.20.0.9" });
  const refusals = [
    ["10.96.7.7", /Service shop\/b has it/],
    ["10.244.0.9", /the pods' range/],
    ["none", /isn't an IPv4 address/],
  ] as const;
  for (const [ip, expected] of refusals) {
    const outcome = leases.leaseService("shop/d", ip);
    assert.match(outcome.kind === "refused" ? outcome.sentence : "", expected);
  }
  leases.releaseService("shop/b");
  assert.equal(leases.leaseService("shop/d", "10.96.7.7").kind, "leased");
  assert.deepEqual(leases.leaseService("shop/b"), { kind: "leased", ip: "10.96.0.2" });
});

test("AddressLeases takes a broken file for an empty one, and drops what isn't in its ranges", (t) => {
  const file = leasesFile(t);
  for (const text of ["", "{", "[]", "null", '{"pods": 7}']) {
    writeFileSync(file, text);
    assert.equal(new AddressLeases(file, ranges).leasePod("a"), "10.244.0.2", text);
  }
  writeFileSync(file, '{"pods": {"a": "192.168.0.1", "b": "10.244.0.9", "c": "10.244.0.9", "d": 4}}');
  const leases = new AddressLeases(file, ranges);
  assert.deepEqual(
    ["a", "b", "c"].map((pod) => leases.leasePod(pod)),
    ["10.244.0.2", "10.244.0.9", "10.244.0.3"],
  );
});
