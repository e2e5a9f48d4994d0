// What made a piece of Envoy config: kind, namespace, name and field path. Never file:line, version or time:
// Envoy drains a listener when only its metadata changes.

import type { JsonObject, MessageInitShape } from "@bufbuild/protobuf";
import { objectKey, parseObjectKey } from "../core/object-key.ts";
import type { MetadataSchema } from "../gen/envoy/config/core/v3/base_pb.ts";
import type { Provenance } from "../view/provenance.ts";

type MetadataInit = MessageInitShape<typeof MetadataSchema>;

/** Metadata under the key `meltemi`, beside what Istio's tools look for under `istio`. */
export function provenanceMetadata(source: Provenance, istio?: JsonObject): MetadataInit {
  const from = source.map(({ object, path }) => {
    const { kind, namespace, name } = parseObjectKey(object);
    return { kind, name, namespace, ...(path === undefined ? {} : { path }) };
  });
  return {
    filterMetadata: {
      ...(istio === undefined ? {} : { istio }),
      ...(from.length === 0 ? {} : { meltemi: { from } }),
    },
  };
}

interface WrittenProvenance {
  readonly from?: readonly {
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    readonly path?: string;
  }[];
}

/** What `provenanceMetadata` wrote; empty where nothing did. */
export function sourceIn(metadata: Pick<MetadataInit, "filterMetadata"> | undefined): Provenance {
  const { from = [] } = (metadata?.filterMetadata?.meltemi ?? {}) as WrittenProvenance;
  return from.map(({ path, ...key }) => ({
    object: objectKey(key),
    ...(path === undefined ? {} : { path }),
  }));
}
