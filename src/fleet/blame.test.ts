import assert from "node:assert/strict";
import { test } from "node:test";
import { objectKey } from "../core/object-key.ts";
import { provenanceMetadata } from "../envoy/provenance.ts";
import { RouteConfigurationSchema } from "../gen/envoy/config/route/v3/route_pb.ts";
import type { SourcePart } from "../view/source.ts";
import { blame } from "./blame.ts";
import { type BuiltResource, buildResource } from "./built-resource.ts";

function part(name: string, index: number): SourcePart {
  const object = objectKey({ kind: "VirtualService", namespace: "shop", name });
  return { object, path: `spec.http[${index}]` };
}

/** A virtual host for each name, with a route that tells `prefix`. */
function routes(prefixes: Readonly<Record<string, string>>): BuiltResource {
  const virtualHosts = Object.entries(prefixes).map(([name, prefix]) => ({
    name,
    domains: [name],
    routes: [
      {
        match: { pathSpecifier: { case: "prefix" as const, value: prefix } },
        metadata: provenanceMetadata([part(name, 0)]),
      },
    ],
  }));
  return buildResource(RouteConfigurationSchema, { name: "80", virtualHosts }, { name: "80" });
}

const detail = "no such thing";

test("blame() names what made the pieces that the accepted version hadn't", () => {
  const accepted = routes({ cart: "/", reviews: "/", stock: "/" });
  const refused = routes({ cart: "/", reviews: "/new", stock: "/" });
  const wanted = { source: [part("reviews", 0)], isKnown: true };
  assert.deepEqual(blame("route", { refused, accepted, detail }), wanted);
});

test("blame() suspects everything where there is nothing to compare with", () => {
  const refused = routes({ cart: "/", reviews: "/" });
  const wanted = { source: [part("cart", 0), part("reviews", 0)], isKnown: false };
  assert.deepEqual(blame("route", { refused, accepted: undefined, detail }), wanted);
});

test("blame() names the one whose words Envoy quotes", () => {
  const refused = routes({ cart: "/", reviews: "/(a", stock: "/" });
  for (const quoting of ["missing ): /(a", "Regex '/(a' is bad", 'missing ")" in "/(a" here']) {
    const blamed = blame("route", { refused, accepted: undefined, detail: quoting });
    assert.deepEqual(blamed, { source: [part("reviews", 0)], isKnown: true }, quoting);
  }
});

test("blame() takes no side where several have what Envoy quotes", () => {
  const refused = routes({ cart: "/(a", reviews: "/(a" });
  const { isKnown } = blame("route", { refused, accepted: undefined, detail: "missing ): /(a" });
  assert.equal(isKnown, false);
});

test("blame() names nobody in particular where no piece is new", () => {
  const accepted = routes({ cart: "/", reviews: "/" });
  const refused = { ...routes({ cart: "/" }), source: [part("cart", 0)] };
  const wanted = { source: [part("cart", 0)], isKnown: false };
  assert.deepEqual(blame("route", { refused, accepted, detail }), wanted);
});
