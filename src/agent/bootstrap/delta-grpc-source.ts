// Where resources come from, in Envoy's words: a delta gRPC stream to one of the bootstrap's clusters.

import type { JsonObject } from "@bufbuild/protobuf";

/** `retryBackOff`: between tries to open the stream again, growing from base to max, with jitter. */
export function deltaGrpcSource(
  clusterName: string,
  retryBackOff: { readonly baseInterval: string; readonly maxInterval: string },
): JsonObject {
  return {
    apiType: "DELTA_GRPC",
    transportApiVersion: "V3",
    setNodeOnFirstMessageOnly: true,
    grpcServices: [{ envoyGrpc: { clusterName, retryPolicy: { retryBackOff } } }],
  };
}
