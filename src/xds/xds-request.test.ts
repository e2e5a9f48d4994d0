import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
} from "../gen/envoy/service/discovery/v3/discovery_pb.ts";
import { GrpcError } from "../grpc/status.ts";
import { decodeDeltaRequest, decodeStateOfTheWorldRequest } from "./xds-request.ts";

const typeUrl = "type.googleapis.com/envoy.config.cluster.v3.Cluster";

test("decodeDeltaRequest() reads node, names, versions and verdict", () => {
  const bytes = toBinary(
    DeltaDiscoveryRequestSchema,
    create(DeltaDiscoveryRequestSchema, {
      typeUrl,
      node: {
        id: "n",
        cluster: "c",
        metadata: { LABELS: { app: "web" } },
        locality: { region: "r", zone: "z" },
        userAgentName: "envoy",
        userAgentVersionType: {
          case: "userAgentBuildVersion",
          value: { version: { majorNumber: 1, minorNumber: 40, patch: 0 } },
        },
      },
      resourceNamesSubscribe: ["a"],
      resourceNamesUnsubscribe: ["b"],
      initialResourceVersions: { a: "1" },
      responseNonce: "5",
      errorDetail: { code: 13, message: "bad" },
    }),
  );
  assert.deepEqual(decodeDeltaRequest(bytes), {
    typeUrl,
    node: {
      id: "n",
      cluster: "c",
      metadata: { LABELS: { app: "web" } },
      locality: { region: "r", zone: "z", subZone: "" },
      userAgentName: "envoy",
      userAgentVersion: "1.40.0",
    },
    subscribe: ["a"],
    unsubscribe: ["b"],
    initialVersions: new Map([["a", "1"]]),
    responseNonce: "5",
    errorDetail: "bad",
  });
});

const refused: readonly (readonly [string, Uint8Array])[] = [
  ["no type", toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, { resourceNames: ["a"] }))],
  [
    "an endless name",
    toBinary(
      DiscoveryRequestSchema,
      create(DiscoveryRequestSchema, { typeUrl, resourceNames: ["x".repeat(3000)] }),
    ),
  ],
  ["bytes that aren't protobuf", Uint8Array.of(0x0a, 0xff)],
];
for (const [what, bytes] of refused) {
  test(`decodeStateOfTheWorldRequest() refuses ${what}`, () => {
    assert.throws(() => decodeStateOfTheWorldRequest(bytes), { status: "INVALID_ARGUMENT" });
  });
}

test("decodeDeltaRequest() and its sibling throw nothing but GrpcError on arbitrary and on broken bytes", () => {
  const good = toBinary(
    DeltaDiscoveryRequestSchema,
    create(DeltaDiscoveryRequestSchema, {
      typeUrl,
      node: { id: "n", metadata: { a: [1, "x", null, { b: true }] } },
      resourceNamesSubscribe: ["a", "b"],
      initialResourceVersions: { a: "1" },
      errorDetail: { message: "x", details: [{ typeUrl, value: Uint8Array.of(1) }] },
    }),
  );
  const broken = fc
    .array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
    .map((edits) => {
      const bytes = Uint8Array.from(good);
      for (const [index, value] of edits) bytes[index] = value;
      return bytes;
    });
  let refusedCount = 0;
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), broken), (bytes) => {
      for (const decode of [decodeDeltaRequest, decodeStateOfTheWorldRequest]) {
        try {
          decode(bytes);
        } catch (error) {
          assert.ok(error instanceof GrpcError && error.status === "INVALID_ARGUMENT");
          refusedCount += 1;
        }
      }
    }),
    { numRuns: 2000 },
  );
  assert.ok(refusedCount > 500 && refusedCount < 4000);
});
