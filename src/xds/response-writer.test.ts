import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  DeltaDiscoveryResponseSchema,
  DiscoveryResponseSchema,
} from "../gen/envoy/service/discovery/v3/discovery_pb.ts";
import type { Resource } from "./resource.ts";
import { createResponseWriter } from "./response-writer.ts";

const bodies = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 3 });
// Over the bound under which an entry is joined to one piece.
const largeBodies = fc.constant([new Uint8Array(20_000).fill(7), Uint8Array.of(1, 2)]);
const resources: fc.Arbitrary<Resource> = fc.record({
  name: fc.string({ unit: "grapheme", minLength: 1 }),
  version: fc.string(),
  body: fc.oneof(bodies, largeBodies),
  needs: fc.constant([]),
});

const typeUrl = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
const decodable = (text: string) => Buffer.from(text).toString();

test("writeDelta() writes what a protobuf library reads", () => {
  fc.assert(
    fc.property(
      fc.array(resources),
      fc.array(fc.string({ minLength: 1 })),
      fc.string(),
      (items, removed, nonce) => {
        const writer = createResponseWriter();
        const entries = items.map((resource, index) => ({
          name: resource.name,
          resource,
          aliases: index === 0 ? ["alias"] : [],
        }));
        const fragments = writer.writeDelta({ typeUrl, nonce, resources: entries, removed });
        const read = fromBinary(DeltaDiscoveryResponseSchema, Buffer.concat(fragments));
        assert.equal(read.typeUrl, typeUrl);
        assert.equal(read.nonce, decodable(nonce));
        assert.deepEqual(read.removedResources, removed.map(decodable));
        assert.deepEqual(
          read.resources.map(({ name, version, aliases, resource }) => ({
            name,
            version,
            aliases,
            url: resource?.typeUrl,
            value: Buffer.from(resource?.value ?? []),
          })),
          entries.map(({ resource, aliases }) => ({
            name: decodable(resource.name),
            version: decodable(resource.version),
            aliases,
            url: typeUrl,
            value: Buffer.concat(resource.body),
          })),
        );
      },
    ),
  );
});

test("writeDelta() writes a resource without a body where there is none", () => {
  const fragments = createResponseWriter().writeDelta({
    typeUrl,
    nonce: "1",
    resources: [{ name: "80/x", resource: undefined, aliases: ["80/x"] }],
    removed: [],
  });
  const read = fromBinary(DeltaDiscoveryResponseSchema, Buffer.concat(fragments));
  assert.deepEqual(
    read.resources.map(({ name, aliases, resource }) => [name, aliases, resource]),
    [["80/x", ["80/x"], undefined]],
  );
});

test("writeStateOfTheWorld() writes what a protobuf library reads", () => {
  fc.assert(
    fc.property(fc.array(resources), fc.string(), (items, version) => {
      const fragments = createResponseWriter().writeStateOfTheWorld({
        typeUrl,
        nonce: "7",
        version,
        resources: items,
      });
      const read = fromBinary(DiscoveryResponseSchema, Buffer.concat(fragments));
      assert.deepEqual([read.typeUrl, read.nonce, read.versionInfo], [typeUrl, "7", decodable(version)]);
      assert.deepEqual(
        read.resources.map(({ value }) => Buffer.from(value)),
        items.map(({ body }) => Buffer.concat(body)),
      );
    }),
  );
});

test("writeDelta() encodes a resource once and shares it between responses", () => {
  const writer = createResponseWriter();
  const resource: Resource = { name: "a", version: "1", body: [new Uint8Array(100_000)], needs: [] };
  const response = { typeUrl, nonce: "1", resources: [{ name: "a", resource, aliases: [] }], removed: [] };
  const [first, second] = [writer.writeDelta(response), writer.writeDelta(response)];
  assert.ok(first.includes(resource.body[0] as Uint8Array), "a large body must not be copied");
  assert.deepEqual(
    first.slice(2).map((piece, index) => piece === second[index + 2]),
    first.slice(2).map(() => true),
  );
});
