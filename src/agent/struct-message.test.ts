import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary, toJson } from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import { encodeStruct } from "./struct-message.ts";

test("encodeStruct() writes what protobuf's own decoder reads back", () => {
  const metadata = {
    LABELS: { app: "reviews", "": "", empty: {} },
    NAME: "",
    list: ["a", 1.5, [], null, { b: false }],
    isNative: true,
    port: 15020,
    zero: 0,
  };
  assert.deepEqual(toJson(StructSchema, fromBinary(StructSchema, encodeStruct(metadata))), metadata);
});
