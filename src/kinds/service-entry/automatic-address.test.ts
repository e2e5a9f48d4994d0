import assert from "node:assert/strict";
import { test } from "node:test";
import { allocateAutomaticAddresses, automaticAddressKeys } from "./automatic-address.ts";
import type { ServiceEntry } from "./service-entry.ts";
import type { ServiceEntrySpec } from "./service-entry-spec.ts";

function entry(spec: ServiceEntrySpec, labels: Readonly<Record<string, string>> = {}): ServiceEntry {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "ServiceEntry",
    metadata: { name: "outside", namespace: "shop", labels },
    spec,
  };
}

test("automaticAddressKeys() are the hosts that have endpoints and no address", () => {
  const hosts = ["db.example", "*.example"];
  const keys = (spec: Partial<ServiceEntrySpec>, labels = {}) =>
    automaticAddressKeys(entry({ hosts, ...spec }, labels));
  assert.deepEqual(keys({ resolution: "DNS" }), ["shop/db.example"]);
  assert.deepEqual(keys({ resolution: "STATIC" }), ["shop/db.example"]);
  assert.deepEqual(keys({}), [], "NONE goes where the client says");
  assert.deepEqual(keys({ resolution: "DNS", addresses: ["10.1.2.3"] }), []);
  const optOut = { "networking.istio.io/enable-autoallocate-ip": "false" };
  assert.deepEqual(keys({ resolution: "DNS" }, optOut), []);
});

test("allocateAutomaticAddresses() gives a host the same address whatever the others and their order", () => {
  const alone = allocateAutomaticAddresses(["shop/a.example"]).get("shop/a.example");
  const among = allocateAutomaticAddresses(["shop/z.example", "shop/a.example", "shop/b.example"]);
  assert.equal(among.get("shop/a.example"), alone);
  assert.match(alone ?? "", /^240\.240\.\d+\.\d+$/);
});

test("allocateAutomaticAddresses() gives no two hosts the same, even in a crowd", () => {
  const keys = Array.from({ length: 20_000 }, (_, index) => `shop/host-${index}.example`);
  const addresses = allocateAutomaticAddresses(keys);
  assert.equal(new Set(addresses.values()).size, keys.length);
  const reversed = allocateAutomaticAddresses(keys.toReversed());
  assert.deepEqual([...reversed].sort(), [...addresses].sort());
});

test("allocateAutomaticAddresses() leaves out who finds the range full", () => {
  const keys = Array.from({ length: 65_540 }, (_, index) => `shop/host-${index}`);
  const addresses = allocateAutomaticAddresses(keys);
  assert.equal(addresses.size, 65_534);
  assert(![...addresses.values()].some((address) => ["240.240.0.0", "240.240.255.255"].includes(address)));
});
