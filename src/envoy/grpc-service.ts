// A service of the mesh that an Envoy itself calls by gRPC.

import type { GrpcServiceSchema } from "../gen/envoy/config/core/v3/grpc_service_pb.ts";
import { durationMessage } from "./duration-message.ts";
import type { Plain } from "./encode.ts";

export interface GrpcServer {
  readonly hostname: string;
  readonly cluster: string;
}

/** Without a timeout a call lasts as long as it may by Envoy's default for its use. */
export function buildGrpcService(
  { hostname, cluster }: GrpcServer,
  { timeout }: { readonly timeout?: string | undefined } = {},
): Plain<typeof GrpcServiceSchema> {
  return {
    // A cluster's name holds `|`, which no authority may.
    targetSpecifier: { case: "envoyGrpc", value: { clusterName: cluster, authority: hostname } },
    ...(timeout !== undefined && { timeout: durationMessage(timeout) }),
  };
}
