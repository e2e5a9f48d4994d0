// The one door from builders' plain messages to bytes.

import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import type { AnySchema } from "@bufbuild/protobuf/wkt";
import { createMessageEncoder } from "./message-encoder.ts";

export type AnyInit = MessageInitShape<typeof AnySchema>;

/** A message as builders write it: a plain object, never one that protobuf-es made. */
export type Plain<Schema extends DescMessage> = Exclude<
  MessageInitShape<Schema>,
  { readonly $typeName: string }
>;

// It keeps what it learned from descriptors, and nothing of a message: what it returns depends on its arguments alone.
const encodeMessage = createMessageEncoder();

/** Bytes depend on the message alone: maps are encoded in insertion order, so builders insert sorted keys. */
export function encode<Schema extends DescMessage>(
  schema: Schema,
  message: MessageInitShape<Schema>,
): Uint8Array {
  return encodeMessage(schema, message);
}

/** An extension's configuration as Envoy wants it: its message in an Any, named by type. */
export function typedConfig<Schema extends DescMessage>(
  schema: Schema,
  message: MessageInitShape<Schema>,
): AnyInit {
  return { typeUrl: `type.googleapis.com/${schema.typeName}`, value: encode(schema, message) };
}
