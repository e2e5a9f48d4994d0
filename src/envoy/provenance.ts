// What made a piece of Envoy config: kind, namespace, name and field path. Never file:line, version or time:
// Envoy drains a listener when only its metadata changes.

import type { JsonObject, MessageInitShape } from "@bufbuild/protobuf";
import type { ObjectKey } from "../core/object-key.ts";
import type { MetadataSchema } from "../gen/envoy/config/core/v3/base_pb.ts";
import type { Provenance, ProvenancePart } from "../view/provenance.ts";

export interface OtherMetadata {
  readonly istio?: JsonObject;
  /** As `serviceText` writes it. */
  readonly service?: string;
}

type MetadataInit = MessageInitShape<typeof MetadataSchema>;

/**
 * Metadata under the key `meltemi`, next to what Istio's tools look for under `istio`. One text, such as
 * `VirtualService/shop/web spec.http[0], Service/shop/web`, takes an Envoy a third less to read than structures of the same
 * content, and a port's routes have it a thousand times.
 */
export function provenanceMetadata(
  provenance: Provenance,
  { istio, service = "" }: OtherMetadata = {},
): MetadataInit {
  const from = provenance
    .map(({ object, path }) => (path === undefined ? object : `${object} ${path}`))
    .join(", ");
  return {
    filterMetadata: {
      ...(istio === undefined ? {} : { istio }),
      ...(from === "" && service === ""
        ? {}
        : { meltemi: { ...(from !== "" && { from }), ...(service !== "" && { service }) } }),
    },
  };
}

/** What `provenanceMetadata` wrote; empty where nothing did. */
export function sourceIn(metadata: Pick<MetadataInit, "filterMetadata"> | undefined): Provenance {
  const { from } = (metadata?.filterMetadata?.meltemi ?? {}) as { readonly from?: string };
  return from === undefined ? [] : from.split(", ").map(parsePart);
}

/** No name of an object holds a space. */
function parsePart(text: string): ProvenancePart {
  const space = text.indexOf(" ");
  if (space === -1) return { object: text as ObjectKey };
  return { object: text.slice(0, space) as ObjectKey, path: text.slice(space + 1) };
}
