// How a container is asked for its health, and what runs around its life.

import type { TypeOf } from "../schema.ts";
import { choice, count32, int32, intOrString, list, message, text } from "../schema.ts";

const httpHeader = message({}, { required: { name: text(), value: text() } });

export const httpGetAction = message(
  { host: text(), path: text(), scheme: choice("HTTP", "HTTPS"), httpHeaders: list(httpHeader) },
  { required: { port: intOrString() } },
);
export const tcpSocketAction = message({ host: text() }, { required: { port: intOrString() } });
export const execAction = message({ command: list(text()) });
export const grpcAction = message({ service: text() }, { required: { port: int32() } });

export const probe = message(
  {
    exec: execAction,
    grpc: grpcAction,
    httpGet: httpGetAction,
    tcpSocket: tcpSocketAction,
    initialDelaySeconds: count32(),
    timeoutSeconds: count32(),
    periodSeconds: count32(),
    successThreshold: count32(),
    failureThreshold: count32(),
    terminationGracePeriodSeconds: count32(),
  },
  { oneofs: [["exec", "grpc", "httpGet", "tcpSocket"]] },
);

const sleepAction = message({}, { required: { seconds: count32() } });

export const lifecycleHandler = message(
  { exec: execAction, httpGet: httpGetAction, tcpSocket: tcpSocketAction, sleep: sleepAction },
  { oneofs: [["exec", "httpGet", "tcpSocket", "sleep"]] },
);

export const lifecycle = message({
  postStart: lifecycleHandler,
  preStop: lifecycleHandler,
  stopSignal: text(),
});

export type Probe = TypeOf<typeof probe>;
export type HttpGetAction = TypeOf<typeof httpGetAction>;
export type TcpSocketAction = TypeOf<typeof tcpSocketAction>;
export type ExecAction = TypeOf<typeof execAction>;
export type GrpcAction = TypeOf<typeof grpcAction>;
export type Lifecycle = TypeOf<typeof lifecycle>;
export type LifecycleHandler = TypeOf<typeof lifecycleHandler>;
