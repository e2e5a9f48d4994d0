// Envoy's extensions in the JSON form of Any.

import type { JsonObject } from "@bufbuild/protobuf";

/** `type` is the message's full name below `envoy.extensions.`. */
export function extension(type: string, fields: JsonObject): JsonObject {
  return { "@type": `type.googleapis.com/envoy.extensions.${type}`, ...fields };
}
