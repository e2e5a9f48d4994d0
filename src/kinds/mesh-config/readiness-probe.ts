// The probe of a proxy whose application has none.

import type { TypeOf } from "../schema.ts";
import { int32, list, message, text, uint32 } from "../schema.ts";

/** `HTTPHeader` */
export const httpHeader = message({
  name: text(),
  value: text(),
});

/** `HTTPHealthCheckConfig` */
export const httpHealthCheckConfig = message(
  {
    path: text(),
    host: text(),
    scheme: text(),
    httpHeaders: list(httpHeader),
  },
  {
    required: {
      port: uint32(),
    },
  },
);

/** `TCPHealthCheckConfig` */
export const tcpHealthCheckConfig = message(
  {
    host: text(),
  },
  {
    required: {
      port: uint32(),
    },
  },
);

/** `ExecHealthCheckConfig` */
export const execHealthCheckConfig = message(
  {},
  {
    required: {
      command: list(text()),
    },
  },
);

/** `GrpcHealthCheckConfig` */
export const grpcHealthCheckConfig = message({
  port: uint32(),
  service: text(),
});

/** `ReadinessProbe` */
export const readinessProbe = message(
  {
    initialDelaySeconds: int32(),
    timeoutSeconds: int32(),
    periodSeconds: int32(),
    successThreshold: int32(),
    failureThreshold: int32(),
    httpGet: httpHealthCheckConfig,
    tcpSocket: tcpHealthCheckConfig,
    exec: execHealthCheckConfig,
    grpc: grpcHealthCheckConfig,
  },
  { oneofs: [["httpGet", "tcpSocket", "exec", "grpc"]] },
);

export type HttpHeader = TypeOf<typeof httpHeader>;
export type HttpHealthCheckConfig = TypeOf<typeof httpHealthCheckConfig>;
export type TcpHealthCheckConfig = TypeOf<typeof tcpHealthCheckConfig>;
export type ExecHealthCheckConfig = TypeOf<typeof execHealthCheckConfig>;
export type GrpcHealthCheckConfig = TypeOf<typeof grpcHealthCheckConfig>;
export type ReadinessProbe = TypeOf<typeof readinessProbe>;
