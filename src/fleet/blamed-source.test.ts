import assert from "node:assert/strict";
import { test } from "node:test";
import { objectKey } from "../core/object-key.ts";
import { provenanceMetadata } from "../envoy/provenance.ts";
import { RouteConfigurationSchema } from "../gen/envoy/config/route/v3/route_pb.ts";
import type { SourcePart } from "../view/source.ts";
import { blamedSource } from "./blamed-source.ts";
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

test("blamedSource() names what made the pieces that the accepted version hadn't", () => {
  const accepted = routes({ cart: "/", reviews: "/", stock: "/" });
  const refused = routes({ cart: "/", reviews: "/new", stock: "/" });
  assert.deepEqual(blamedSource("route", { refused, accepted }), [part("reviews", 0)]);
});

test("blamedSource() names everything where there is nothing to compare with", () => {
  const refused = routes({ cart: "/", reviews: "/" });
  assert.deepEqual(blamedSource("route", { refused, accepted: undefined }), [
    part("cart", 0),
    part("reviews", 0),
  ]);
});

test("blamedSource() names nobody where no piece is new", () => {
  const accepted = routes({ cart: "/", reviews: "/" });
  assert.deepEqual(blamedSource("route", { refused: routes({ cart: "/" }), accepted }), []);
});
