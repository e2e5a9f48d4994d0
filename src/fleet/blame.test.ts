import assert from "node:assert/strict";
import { test } from "node:test";
import { loggedListener, SERVICE, TELEMETRY } from "../../tests/support/logged-listener-fixture.ts";
import { objectKey } from "../core/object-key.ts";
import { provenanceMetadata } from "../envoy/provenance.ts";
import { parseRouteTable } from "../envoy/route/encoded-route-table.ts";
import { ListenerSchema } from "../gen/envoy/config/listener/v3/listener_pb.ts";
import { RouteConfigurationSchema } from "../gen/envoy/config/route/v3/route_pb.ts";
import type { ProvenancePart } from "../view/provenance.ts";
import { blame, blameHosts, provenanceOfHost } from "./blame.ts";
import { type BuiltResource, buildResource } from "./built-resource.ts";

function part(name: string, index = 0): ProvenancePart {
  const object = objectKey({ kind: "VirtualService", namespace: "shop", name });
  return { object, path: `spec.http[${index}]` };
}

/** A virtual host for each name, with a route that tells `prefix`. */
function hosts(prefixes: Readonly<Record<string, string>>) {
  const virtualHosts = Object.entries(prefixes).map(([name, prefix]) => ({
    name,
    domains: [name],
    routes: [
      {
        match: { pathSpecifier: { case: "prefix" as const, value: prefix } },
        metadata: provenanceMetadata([part(name.split("/")[0] ?? "")]),
      },
    ],
  }));
  const { body } = buildResource(RouteConfigurationSchema, { name: "80", virtualHosts }, { name: "80" });
  return parseRouteTable(body);
}

function blamedOf(detail: string, prefixes: Readonly<Record<string, string>>, suspectNames?: string[]) {
  const { hosts: all, hostsByName } = hosts(prefixes);
  const suspects = all.filter(({ name }) => suspectNames?.includes(name) ?? true);
  const before = new Map([...hostsByName].filter(([name]) => suspectNames?.includes(name) === false));
  return blameHosts({ hosts: all, suspects, before, detail }).map(({ name }) => name);
}

test("blameHosts() names the one host that the version before hadn't", () => {
  assert.deepEqual(blamedOf("no such thing", { cart: "/", reviews: "/new", stock: "/" }, ["reviews"]), [
    "reviews",
  ]);
});

test("blameHosts() blames nobody where several are new and Envoy quotes nothing", () => {
  assert.deepEqual(blamedOf("no such thing", { cart: "/", reviews: "/", stock: "/" }), []);
});

test("blameHosts() names the one whose words Envoy quotes, if it is suspected", () => {
  const prefixes = { cart: "/", reviews: "/(a", stock: "/" };
  for (const quoting of ["missing ): /(a", "Regex '/(a' is bad", 'missing ")" in "/(a" here']) {
    assert.deepEqual(blamedOf(quoting, prefixes), ["reviews"], quoting);
    assert.deepEqual(blamedOf(quoting, prefixes, ["cart", "stock"]), [], "it was taken before");
  }
});

test("blameHosts() names all hosts of one object that have what Envoy quotes, and none of several objects", () => {
  assert.deepEqual(blamedOf("missing ): /(a", { "cart/a": "/(a", "cart/b": "/(a", stock: "/" }), [
    "cart/a",
    "cart/b",
  ]);
  assert.deepEqual(blamedOf("missing ): /(a", { cart: "/(a", reviews: "/(a" }), []);
});

test("blameHosts() counts as Envoy does", () => {
  const counting = "RouteConfigurationValidationError.VirtualHosts[1]: embedded message failed validation";
  assert.deepEqual(blamedOf(counting, { cart: "/", reviews: "/", stock: "/" }), ["reviews"]);
  assert.deepEqual(blamedOf(counting, { cart: "/", reviews: "/", stock: "/" }, ["cart", "stock"]), []);
});

test("provenanceOfHost() tells what made the pieces that the accepted version hadn't", () => {
  const [refused] = hosts({ reviews: "/new" }).hosts;
  assert.ok(refused !== undefined);
  const accepted = hosts({ reviews: "/" }).hosts[0]?.bytes;
  assert.deepEqual(provenanceOfHost(refused.bytes, { accepted, detail: "no" }), [part("reviews")]);
});

/** A filter chain for each name. */
function listener(chains: Readonly<Record<string, string>>): BuiltResource {
  const filterChains = Object.entries(chains).map(([name, filter]) => ({
    name,
    filters: [{ name: filter }],
    metadata: provenanceMetadata([part(name)]),
  }));
  const provenance = Object.keys(chains).map((name) => part(name));
  return buildResource(ListenerSchema, { name: "l", filterChains }, { name: "l", provenance });
}

test("blame() names what made the filter chains that the accepted listener hadn't", () => {
  const accepted = listener({ cart: "a", reviews: "a" });
  const refused = listener({ cart: "a", reviews: "b" });
  const wanted = { provenance: [part("reviews")], suspects: [part("reviews")] };
  assert.deepEqual(blame("listener", { refused, accepted, detail: "no" }), wanted);
});

test("blame() suspects all of a listener that has no version before, and says that none is to blame", () => {
  const refused = listener({ cart: "a", reviews: "a" });
  const suspects = [part("cart"), part("reviews")];
  assert.deepEqual(blame("listener", { refused, accepted: undefined, detail: "no" }), {
    provenance: [],
    suspects,
  });
});

test("blame() blames the one object that a cluster is made of", () => {
  const refused = {
    name: "c",
    version: "1",
    body: [],
    needs: [],
    provenance: [part("cart"), part("cart", 1)],
  };
  const wanted = { provenance: refused.provenance, suspects: refused.provenance };
  assert.deepEqual(blame("cluster", { refused, accepted: undefined, detail: "no" }), wanted);
});

test("blame() names what said how a listener is logged, and no chain, where that is all that differs", () => {
  const [accepted, refused] = [loggedListener(["format-good"]), loggedListener(["format-bad"])];
  const wanted = { provenance: [TELEMETRY], suspects: [TELEMETRY] };
  assert.deepEqual(blame("listener", { refused, accepted, detail: "no" }), wanted);
});

test("blame() names it where Envoy quotes the format, and nobody where MeshConfig wrote that", () => {
  const refused = loggedListener(["format-bad"]);
  const first = { refused, accepted: undefined, detail: "no such command: format-bad" };
  assert.deepEqual(blame("listener", first).provenance, [TELEMETRY]);
  const ofMesh = { ...first, refused: { ...refused, provenance: [SERVICE] } };
  assert.deepEqual(blame("listener", ofMesh).provenance, []);
});
