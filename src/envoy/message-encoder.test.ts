import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import {
  create,
  createFileRegistry,
  type DescField,
  type DescMessage,
  fromBinary,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence, FileDescriptorSetSchema, isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { ClusterSchema } from "../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { createMessageEncoder } from "./message-encoder.ts";

const MESSAGES_PER_TYPE = 4;
const MAX_DEPTH = 3;

describe("createMessageEncoder()", () => {
  it("writes the bytes of protobuf-es for every message type of Envoy and Istio", () => {
    const encode = createMessageEncoder();
    const types = allTypes();
    let messageCount = 0;
    let byteCount = 0;
    for (const [index, type] of types.entries()) {
      for (let round = 0; round < MESSAGES_PER_TYPE; round += 1) {
        const message = randomMessage(type, randomSource(index * MESSAGES_PER_TYPE + round), MAX_DEPTH);
        const created = create(type, message);
        const expected = toBinary(type, created);
        assert.deepEqual(
          encode(type, message).bytes,
          expected,
          `${type.typeName}, seed ${index * MESSAGES_PER_TYPE + round}`,
        );
        assert.deepEqual(encode(type, created).bytes, expected, `${type.typeName}, made by create()`);
        messageCount += 1;
        byteCount += expected.length;
      }
    }
    assert.ok(types.length > 1_700, `${types.length} types`);
    assert.ok(byteCount > 50 * messageCount, `${byteCount} bytes of ${messageCount} messages`);
  });

  it("writes messages larger than its buffer", () => {
    const encode = createMessageEncoder();
    const message = { name: "é".repeat(100_000), altStatName: "x".repeat(100_000) };
    assert.deepEqual(
      encode(ClusterSchema, message).bytes,
      toBinary(ClusterSchema, create(ClusterSchema, message)),
    );
  });

  it("keeps unknown fields of messages that were decoded", () => {
    const encode = createMessageEncoder();
    const bytes = Uint8Array.of(
      ...toBinary(ClusterSchema, create(ClusterSchema, { name: "a" })),
      0xf8,
      0x7f,
      5,
    );
    assert.deepEqual(encode(ClusterSchema, fromBinary(ClusterSchema, bytes)).bytes, bytes);
  });

  it("works on after a message that it refused", () => {
    const encode = createMessageEncoder();
    const tooLarge = { name: "a", maxRequestsPerConnection: 2 ** 32 };
    assert.throws(() => encode(ClusterSchema, tooLarge), /Cannot encode 4294967296 as uint32/);
    assert.deepEqual(encode(ClusterSchema, { name: "a" }).bytes, Uint8Array.of(10, 1, 97));
  });
});

function allTypes(): readonly DescMessage[] {
  const file = new URL("../../tools/descriptors/descriptors.binpb", import.meta.url);
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(file)));
  return [...registry].filter((type): type is DescMessage => type.kind === "message");
}

type Random = (below: number) => number;

function randomSource(seed: number): Random {
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return ((state ^ (state >>> 12)) >>> 0) % below;
  };
}

/** Each field is there two times of three, and of a group one member. */
function randomMessage(type: DescMessage, random: Random, depth: number): Record<string, unknown> {
  const message: Record<string, unknown> = {};
  for (const member of type.members) {
    if (member.kind === "oneof") {
      const field = member.fields[random(member.fields.length)];
      if (field === undefined || random(4) === 0) continue;
      const value = randomValue(field, random, depth);
      if (value !== undefined) message[member.localName] = { case: field.localName, value };
    } else if (random(3) > 0 || isRequired(member)) {
      const value = randomField(member, random, depth);
      if (value !== undefined) message[member.localName] = value;
    }
  }
  return message;
}

function isRequired(field: DescField): boolean {
  return field.presence === FeatureSet_FieldPresence.LEGACY_REQUIRED;
}

function randomField(field: DescField, random: Random, depth: number): unknown {
  if (field.fieldKind === "list") {
    return Array.from({ length: random(4) }, () => randomValue(field, random, depth)).filter(
      (value) => value !== undefined,
    );
  }
  if (field.fieldKind !== "map") return randomValue(field, random, depth);
  const entries = Array.from({ length: random(4) }, () => [
    mapKey(field.mapKey, random),
    randomValue(field, random, depth),
  ]);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

function mapKey(type: ScalarType, random: Random): string {
  return String(randomScalar(type, random));
}

/** Undefined where messages would nest too deep. */
function randomValue(field: DescField, random: Random, depth: number): unknown {
  if (field.enum !== undefined) return field.enum.values[random(field.enum.values.length)]?.number;
  if (field.message === undefined) return randomScalar(field.scalar ?? ScalarType.INT32, random);
  if (
    field.message.typeName === "google.protobuf.Struct" &&
    field.parent.typeName !== "google.protobuf.Value"
  )
    return { text: "a", nothing: null, list: [1, -0.5, true, [], {}], inner: { é: "ö" }, 7: random(100) };
  if (isWrapperDesc(field.message) && field.fieldKind === "message" && field.oneof === undefined)
    return randomScalar(field.message.fields[0].scalar, random);
  return depth === 0 ? undefined : randomMessage(field.message, random, depth - 1);
}

const TEXTS = [
  "",
  "a",
  "outbound|80||reviews.shop.svc.cluster.local",
  "é",
  "x".repeat(200),
  "日本".repeat(40),
];
const INTS = [0, 1, -1, 127, 128, 300, -300, 65_536, 2_147_483_647, -2_147_483_648];
const UINTS = [0, 1, 127, 128, 16_384, 2_097_152, 268_435_456, 4_294_967_295];
const LONGS = [0n, 1n, -1n, 300n, 2n ** 31n, -(2n ** 31n), 2n ** 62n, -(2n ** 63n)];
const ULONGS = [0n, 1n, 300n, 2n ** 31n, 2n ** 32n, 2n ** 64n - 1n];
const FLOATS = [0, -0, 0.5, -1.25, 1e10];

function randomScalar(type: ScalarType, random: Random): unknown {
  const pick = <V>(values: readonly V[]) => values[random(values.length)];
  switch (type) {
    case ScalarType.STRING:
      return pick(TEXTS);
    case ScalarType.BYTES:
      return new Uint8Array(random(20)).fill(random(256));
    case ScalarType.BOOL:
      return random(2) === 1;
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return pick(INTS);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return pick(UINTS);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return pick(LONGS);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return pick(ULONGS);
    default:
      return pick(FLOATS.map(Math.fround));
  }
}
