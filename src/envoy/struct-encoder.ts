// Encodes JSON as google.protobuf.Struct, which is what fields of that type hold in protobuf-es.

import type { BackwardWriter } from "./backward-writer.ts";

// Field numbers of google/protobuf/struct.proto.
const struct = { fields: 1 } as const;
const entry = { key: 1, value: 2 } as const;
const value = { null: 1, number: 2, text: 3, bool: 4, struct: 5, list: 6 } as const;
const list = { values: 1 } as const;

/** The fields of a JSON object, without a length; anything else is an empty Struct. */
export function encodeStruct(writer: BackwardWriter, json: unknown): void {
  if (typeof json !== "object" || json === null) return;
  const keys = Object.keys(json);
  for (let index = keys.length - 1; index >= 0; index -= 1) {
    const key = keys[index] as string;
    const before = writer.length;
    encodeValue(writer, entry.value, (json as Readonly<Record<string, unknown>>)[key]);
    const beforeKey = writer.length;
    writer.text(key);
    writer.lengthDelimited(entry.key, beforeKey);
    writer.lengthDelimited(struct.fields, before);
  }
}

/** A google.protobuf.Value as field `number`. */
function encodeValue(writer: BackwardWriter, number: number, json: unknown): void {
  const before = writer.length;
  encodeKind(writer, json);
  writer.lengthDelimited(number, before);
}

function encodeKind(writer: BackwardWriter, json: unknown): void {
  const before = writer.length;
  switch (typeof json) {
    case "number":
      writer.double(json);
      writer.tag(value.number, 1);
      return;
    case "string":
      writer.text(json);
      writer.lengthDelimited(value.text, before);
      return;
    case "boolean":
      writer.bool(json);
      writer.tag(value.bool, 0);
      return;
    case "object":
      if (json === null) {
        writer.uint32(0);
        writer.tag(value.null, 0);
      } else if (Array.isArray(json)) {
        for (let index = json.length - 1; index >= 0; index -= 1)
          encodeValue(writer, list.values, json[index]);
        writer.lengthDelimited(value.list, before);
      } else {
        encodeStruct(writer, json);
        writer.lengthDelimited(value.struct, before);
      }
  }
}
