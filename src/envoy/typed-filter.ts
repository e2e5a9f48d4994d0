// A filter that brings its configuration along: of a listener, of a chain or of HTTP.

import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { typedConfig } from "./encode.ts";
import type { PackedMessage } from "./message-encoder.ts";

export interface TypedFilter {
  readonly name: string;
  readonly configType: { readonly case: "typedConfig"; readonly value: PackedMessage };
}

export function typedFilter<Schema extends DescMessage>(
  name: string,
  schema: Schema,
  config: MessageInitShape<Schema>,
): TypedFilter {
  return { name, configType: { case: "typedConfig", value: typedConfig(schema, config) } };
}
