import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { objectKey } from "../core/object-key.ts";
import { provenanceMetadata } from "../envoy/provenance.ts";
import { RouteConfigurationSchema } from "../gen/envoy/config/route/v3/route_pb.ts";
import type { Held } from "../xds/backend.ts";
import type { Resource } from "../xds/resource.ts";
import { buildResource } from "./built-resource.ts";
import { StandInTables } from "./stand-in-tables.ts";
import { TableQuarantine } from "./table-quarantine.ts";

const key = (name: string) => objectKey({ kind: "VirtualService", namespace: "shop", name });

/** A virtual host for each name, whose route tells its version; `name@domain` has another domain than its name. */
function table(versions: Readonly<Record<string, string>>): Resource {
  const virtualHosts = Object.entries(versions).map(([text, version]) => {
    const [name = "", domain = name] = text.split("@");
    const action = {
      case: "route" as const,
      value: { clusterSpecifier: { case: "cluster" as const, value: version } },
    };
    const match = { pathSpecifier: { case: "prefix" as const, value: `/${version}` } };
    const metadata = provenanceMetadata([{ object: key(name) }]);
    return { name, domains: [domain], routes: [{ match, action, metadata }] };
  });
  return buildResource(RouteConfigurationSchema, { name: "80", virtualHosts }, { name: "80" });
}

function hostsOf({ body }: Resource): string {
  return fromBinary(RouteConfigurationSchema, Buffer.concat(body))
    .virtualHosts.map(({ name, domains, routes: [route] }) => {
      const path = route?.match?.pathSpecifier;
      const domain = domains.join() === name ? "" : `@${domains.join()}`;
      return `${name}${domain} ${path?.case === "prefix" ? path.value : ""}`;
    })
    .sort()
    .join(", ");
}

/** A proxy that answers what it is offered until nothing new comes. */
function proxyOf(isBad: (hosts: string) => boolean, detail = "no") {
  let quarantine: TableQuarantine | undefined;
  let inUse: Held = "nothing";
  let refusalCount = 0;
  const give = (newest: Resource) => {
    let heard = "";
    for (;;) {
      const offered = quarantine?.offer(newest) ?? newest;
      if (offered.version === heard || (typeof inUse === "object" && inUse.version === offered.version))
        return;
      heard = offered.version;
      if (isBad(hostsOf(offered))) {
        refusalCount += 1;
        quarantine ??= new TableQuarantine(new StandInTables(), newest);
        quarantine.rejected({ resource: offered, inUse }, detail);
      } else {
        inUse = offered;
        quarantine?.acknowledged(offered.version);
      }
    }
  };
  return {
    give,
    forget: () => {
      inUse = "unknown";
      quarantine = undefined;
    },
    hosts: () => (typeof inUse === "object" ? hostsOf(inUse) : inUse),
    refusalCount: () => refusalCount,
    quarantine: () => quarantine,
  };
}

const isBad = (hosts: string) => hosts.includes("/bad");

test("TableQuarantine gives the version before of what is refused, with everything else as it is", () => {
  const proxy = proxyOf(isBad);
  proxy.give(table({ a: "1", b: "1" }));
  proxy.give(table({ a: "bad", b: "1" }));
  proxy.give(table({ a: "bad", b: "2", c: "1" }));
  assert.equal(proxy.hosts(), "a /1, b /2, c /1");
  assert.deepEqual(proxy.quarantine()?.refusals(), [
    { ...proxy.quarantine()?.refusals()[0], detail: "no", provenance: [{ object: key("a") }] },
  ]);
  assert.equal(proxy.quarantine()?.standingOf(key("a")), "refused");
  assert.equal(proxy.quarantine()?.standingOf(key("b")), undefined);
  proxy.give(table({ a: "2", b: "2" }));
  assert.equal(proxy.hosts(), "a /2, b /2");
  assert.equal(proxy.quarantine()?.isOver, true);
});

test("TableQuarantine gives a stand-in the domains of what it stands in for", () => {
  const proxy = proxyOf(isBad);
  proxy.give(table({ "a@one": "1", "b@two": "1" }));
  proxy.give(table({ "a@two": "bad", "b@one": "1" }));
  assert.equal(proxy.hosts(), "a@two /1, b@one /1");
});

test("TableQuarantine leaves a virtual host out whose stand-in is refused too", () => {
  const proxy = proxyOf((hosts) => hosts.includes("@bad"));
  proxy.give(table({ "a@one": "1", b: "1" }));
  proxy.give(table({ "a@bad": "1", b: "2" }));
  assert.equal(proxy.hosts(), "b /2");
});

test("TableQuarantine finds what is bad of many in a few steps, though nothing is said of it", () => {
  const names = Array.from({ length: 200 }, (_, at) => `host-${at}`);
  const all = (version: (name: string) => string) =>
    table(Object.fromEntries(names.map((name) => [name, version(name)])));
  const bad = new Set(["host-0", "host-137"]);
  const newcomer = proxyOf(isBad);
  newcomer.give(all((name) => (bad.has(name) ? "bad" : "1")));
  assert.equal(newcomer.hosts().split(", ").length, 198);
  assert.ok(newcomer.refusalCount() <= 30, `${newcomer.refusalCount()} refusals`);
  const settled = proxyOf(isBad);
  settled.give(all(() => "1"));
  settled.give(all((name) => (bad.has(name) ? "bad" : "2")));
  const hosts = settled.hosts().split(", ");
  assert.deepEqual(
    hosts.filter((host) => host.endsWith("/1")),
    ["host-0 /1", "host-137 /1"],
  );
  assert.equal(hosts.length, 200);
});

test("TableQuarantine gives up a proxy that refuses everything, until the table changes", () => {
  const names = Array.from({ length: 300 }, (_, at) => `host-${at}`);
  const proxy = proxyOf(() => true);
  proxy.give(table(Object.fromEntries(names.map((name) => [name, "1"]))));
  assert.ok(proxy.refusalCount() <= 41, `${proxy.refusalCount()} refusals`);
  assert.equal(proxy.quarantine()?.standingOf(key("host-0")), "refused");
  const before = proxy.refusalCount();
  proxy.give(table({ a: "1" }));
  assert.ok(proxy.refusalCount() > before);
});

test("TableQuarantine leaves a proxy as it is of which nobody knows what it has, unless it says what is bad", () => {
  for (const [detail, hosts] of [
    ["no", "unknown"],
    ["missing ): /bad", "b /2"],
  ]) {
    const proxy = proxyOf(isBad, detail);
    proxy.give(table({ a: "1", b: "1" }));
    proxy.forget();
    proxy.give(table({ a: "bad", b: "2" }));
    assert.equal(proxy.hosts(), hosts);
    assert.equal(proxy.quarantine()?.refusals().length, 1);
  }
});

test("TableQuarantine.offerAgain() offers what an object made once more", () => {
  let isRefusing = true;
  const proxy = proxyOf((hosts) => isRefusing && isBad(hosts));
  const newest = table({ a: "bad", b: "1" });
  proxy.give(table({ a: "1", b: "1" }));
  proxy.give(newest);
  assert.equal(proxy.quarantine()?.offerAgain(new Set([key("b")])), false);
  isRefusing = false;
  assert.equal(proxy.quarantine()?.offerAgain(new Set([key("a")])), true);
  proxy.give(newest);
  assert.equal(proxy.hosts(), "a /bad, b /1");
});

test("StandInTables.build() makes one table for all that refuse the same, and keeps the stand-ins' clusters", () => {
  const tables = new StandInTables();
  const [old, newest] = [table({ a: "1", b: "1" }), table({ a: "2", b: "2" })];
  const standIns = () => new Map([["a", tables.parse(old).hostsByName.get("a")?.bytes]]);
  const built = tables.build(newest, standIns());
  assert.equal(tables.build(newest, standIns()), built);
  assert.deepEqual(
    built.needs.map(({ name }) => name),
    ["2", "1"],
  );
  assert.equal(tables.build(newest, new Map()), newest);
});
