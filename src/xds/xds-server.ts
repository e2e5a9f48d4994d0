// The aggregated discovery service as gRPC methods over a backend: what all streams of a process share, and no sockets.

import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import type { ProvenIdentity } from "../core/stream-identity.ts";
import type { GrpcMethod } from "../grpc/method.ts";
import type { XdsBackend, XdsMetrics } from "./backend.ts";
import { deltaProtocol } from "./delta-protocol.ts";
import { createInterruptedNodes } from "./interrupted-nodes.ts";
import { InternedNames } from "./name-set.ts";
import type { ResourceType } from "./resource-type.ts";
import { createResponseWriter } from "./response-writer.ts";
import { stateOfTheWorldProtocol } from "./state-of-the-world-protocol.ts";
import type { StreamProtocol, XdsRequest } from "./stream-protocol.ts";
import { createTurnQueue } from "./turn-queue.ts";
import { XdsStream } from "./xds-stream.ts";

export interface XdsServerOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics?: XdsMetrics;
  /** CPU time of the process in ms, from any start; where it is absent, no turn costs any. */
  readonly cpuNowMs?: () => number;
  /** How long routes wait for new clusters to be warm; 2,000 unless given. */
  readonly clusterWaitMs?: number;
  /** Per stream and type, 16 MiB unless given; one response may pass it. */
  readonly maxUnacknowledgedBytes?: number;
  /** Of all types that one stream may be subscribed to by name; 200,000 unless given. */
  readonly maxSubscribedNames?: number;
}

export interface XdsServer {
  methods(listener: XdsListener): readonly GrpcMethod[];
}

/** One listener of a gRPC server. */
export interface XdsListener {
  /** Must be false on plaintext: its clients get no secret, whatever their set holds. */
  readonly servesSecrets: boolean;
  /** Who alone can reach the listener, where that is one pod. */
  readonly owner?: ProvenIdentity;
}

export function createXdsServer(backend: XdsBackend, options: XdsServerOptions): XdsServer {
  const namesByType = new Map<ResourceType, InternedNames>();
  const shared = {
    backend,
    clock: options.clock,
    log: options.log,
    metrics: options.metrics ?? noMetrics,
    cpuNowMs: options.cpuNowMs ?? (() => 0),
    writer: createResponseWriter(),
    turns: createTurnQueue(options.clock),
    internedNames: (type: ResourceType) => {
      const table = namesByType.get(type) ?? new InternedNames();
      namesByType.set(type, table);
      return table;
    },
    interruptedNodes: createInterruptedNodes(),
    clusterWaitMs: options.clusterWaitMs ?? 2_000,
    maxUnacknowledgedBytes: options.maxUnacknowledgedBytes ?? 16 * 1024 * 1024,
    maxSubscribedNames: options.maxSubscribedNames ?? 200_000,
  };
  return {
    methods({ servesSecrets, owner }) {
      const method = <Request extends XdsRequest>(protocol: StreamProtocol<Request>): GrpcMethod => ({
        kind: "bidi",
        path: protocol.path,
        open: (call) => new XdsStream(call, protocol, { ...shared, servesSecrets, owner }),
      });
      return [method(deltaProtocol), method(stateOfTheWorldProtocol)];
    },
  };
}

const noMetrics: XdsMetrics = {
  streamOpened: () => undefined,
  streamClosed: () => undefined,
  pushed: () => undefined,
  acknowledged: () => undefined,
  rejected: () => undefined,
};
