// The standard health check of gRPC services (grpc.health.v1), as probes of type `grpc` ask it.

import type { MethodDefinition, ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";

/** HealthCheckResponse with field 1, `status`, SERVING. */
const SERVING = Buffer.from([0x08, 0x01]);

const check: MethodDefinition<Buffer, Buffer> = {
  path: "/grpc.health.v1.Health/Check",
  requestStream: false,
  responseStream: false,
  requestSerialize: (bytes) => bytes,
  requestDeserialize: (bytes) => bytes,
  responseSerialize: (bytes) => bytes,
  responseDeserialize: (bytes) => bytes,
};

export const healthService = { check } as const;

export function isServing(_call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>): void {
  reply(null, SERVING);
}
