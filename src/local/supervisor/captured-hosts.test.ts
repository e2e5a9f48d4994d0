import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServiceEntry } from "../../kinds/service-entry/service-entry.ts";
import type { ServiceEntrySpec } from "../../kinds/service-entry/service-entry-spec.ts";
import { buildCapturedHosts } from "./captured-hosts.ts";

function entry(name: string, spec: ServiceEntrySpec): ServiceEntry {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "ServiceEntry",
    metadata: { name, namespace: "shop" },
    spec,
  };
}

test("buildCapturedHosts() says a ServiceEntry's own addresses, else an automatic one", () => {
  const hosts = buildCapturedHosts([
    entry("own", { hosts: ["own.example"], resolution: "DNS", addresses: ["10.1.2.3", "10.9.0.0/16"] }),
    entry("none", { hosts: ["any.example"], resolution: "NONE" }),
    entry("wild", { hosts: ["*.example"], resolution: "DNS" }),
    entry("without", { hosts: ["db.example"], resolution: "DNS" }),
  ]);
  assert.deepEqual(
    hosts.map(({ name }) => name),
    ["own.example", "db.example"],
  );
  assert.deepEqual(hosts[0]?.addresses, ["10.1.2.3"]);
  assert.match(hosts[1]?.addresses.join() ?? "", /^240\.240\.\d+\.\d+$/);
});

test("buildCapturedHosts() gives a host that is named twice to the first ServiceEntry", () => {
  const hosts = buildCapturedHosts([
    entry("second", { hosts: ["db.example"], resolution: "DNS", addresses: ["10.0.0.2"] }),
    entry("first", { hosts: ["db.example"], resolution: "DNS", addresses: ["10.0.0.1"] }),
  ]);
  assert.deepEqual(hosts, [{ name: "db.example", addresses: ["10.0.0.1"] }]);
});
