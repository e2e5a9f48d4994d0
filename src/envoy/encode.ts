// The one door from builders' plain messages to bytes. An extension's configuration stays a message until the whole is
// encoded: until then all of it can be read, and changed.

import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { createMessageEncoder, type EncodedMessage, type PackedMessage } from "./message-encoder.ts";
import { referenceReaders } from "./references.ts";

/** A message as builders write it: a plain object, never one that protobuf-es made. */
export type Plain<Schema extends DescMessage> = Exclude<
  MessageInitShape<Schema>,
  { readonly $typeName: string }
>;

// It keeps what it learned from descriptors, and nothing of a message: what it returns depends on its arguments alone.
const encodeMessage = createMessageEncoder(referenceReaders);

/** Bytes depend on the message alone: maps are encoded in insertion order, so builders insert sorted keys. */
export function encode<Schema extends DescMessage>(
  schema: Schema,
  message: MessageInitShape<Schema>,
): EncodedMessage {
  return encodeMessage(schema, message);
}

/** An extension's configuration as Envoy wants it, an Any that names the type of its message. */
export function typedConfig<Schema extends DescMessage>(
  schema: Schema,
  message: MessageInitShape<Schema>,
): PackedMessage<Schema> {
  return { typeUrl: `type.googleapis.com/${schema.typeName}`, packed: { schema, message } };
}

/** The message that `typedConfig` packed; throws for one of another type. */
export function messageIn<Schema extends DescMessage>(
  schema: Schema,
  config: object | undefined,
): MessageInitShape<Schema> {
  const packed = (config as Partial<PackedMessage> | undefined)?.packed;
  if (packed?.schema !== schema) throw new Error(`${schema.typeName} isn't what is packed here`);
  return packed.message as MessageInitShape<Schema>;
}
