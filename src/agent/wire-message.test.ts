import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from "../gen/envoy/service/discovery/v3/discovery_pb.ts";
import { IstioCertificateRequestSchema } from "../gen/security/v1alpha1/ca_pb.ts";
import {
  decodeDeltaRequest,
  decodeRequest,
  encodeDeltaResponse,
  encodeResponse,
} from "./discovery-message.ts";
import { field, message, numberField, readFields } from "./wire-message.ts";

const rejection = { code: 13, message: "no: é" };

test("decodeDeltaRequest() reads what the generated code writes", () => {
  const request = create(DeltaDiscoveryRequestSchema, {
    node: { id: "sidecar~1", cluster: "reviews" },
    typeUrl: "type",
    resourceNamesSubscribe: ["default", "ROOTCA"],
    resourceNamesUnsubscribe: ["old"],
    initialResourceVersions: { default: "1", ROOTCA: "2" },
    responseNonce: "7",
    errorDetail: rejection,
  });
  assert.deepEqual(decodeDeltaRequest(toBinary(DeltaDiscoveryRequestSchema, request)), {
    subscribe: ["default", "ROOTCA"],
    unsubscribe: ["old"],
    knownVersions: { default: "1", ROOTCA: "2" },
    nonce: "7",
    rejection: "no: é",
  });
});

test("decodeRequest() reads what the generated code writes", () => {
  const names = ["default"];
  const request = create(DiscoveryRequestSchema, {
    resourceNames: names,
    responseNonce: "3",
    errorDetail: rejection,
  });
  const wanted = { subscribe: names, unsubscribe: [], knownVersions: {}, nonce: "3", rejection: "no: é" };
  assert.deepEqual(decodeRequest(toBinary(DiscoveryRequestSchema, request)), wanted);
});

test("encodeDeltaResponse() and encodeResponse() write what the generated code reads", () => {
  const body = new Uint8Array(300).fill(7);
  const response = { typeUrl: "type", nonce: "1", resources: [{ name: "default", version: "v1", body }] };
  const delta = fromBinary(
    DeltaDiscoveryResponseSchema,
    encodeDeltaResponse({ ...response, removedNames: ["gone"] }),
  );
  assert.deepEqual([delta.typeUrl, delta.nonce, delta.removedResources], ["type", "1", ["gone"]]);
  assert.equal(delta.resources[0]?.version, "v1");
  assert.deepEqual(new Uint8Array(delta.resources[0]?.resource?.value ?? []), body);
  const whole = fromBinary(DiscoveryResponseSchema, encodeResponse(response));
  assert.deepEqual([whole.versionInfo, whole.nonce, whole.resources[0]?.typeUrl], ["v1", "1", "type"]);
});

test("numberField() writes integers beyond 32 bits", () => {
  for (const value of [0, 1, 127, 128, 86_400, 2 ** 40]) {
    const bytes = message(field(1, "csr"), numberField(3, value));
    assert.equal(fromBinary(IstioCertificateRequestSchema, bytes).validityDuration, BigInt(value));
  }
});

const broken = [
  { name: "a field that ends after its message", bytes: [0x0a, 5, 1] },
  { name: "a varint without an end", bytes: [0x08, 0x80] },
  { name: "a wire type that there isn't", bytes: [0x0f] },
];

for (const { name, bytes } of broken) {
  test(`readFields() throws on ${name}`, () => {
    assert.throws(() => readFields(Uint8Array.from(bytes)));
  });
}
