// Of a listener as it is served what users write of logs and spans: formats, filters and tags. No check of ours knows all
// that an Envoy refuses in these, and it refuses the whole listener.

import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { type AccessLog, AccessLogSchema } from "../../gen/envoy/config/accesslog/v3/accesslog_pb.ts";
import type { Filter, FilterChain } from "../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import { type Listener, ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.ts";
import {
  type HttpConnectionManager,
  HttpConnectionManager_TracingSchema,
  HttpConnectionManagerSchema,
} from "../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { TcpProxySchema } from "../../gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts";

/** Of what a log tells. Within a listener all logs of one are the same. */
export type LoggedPart = "requests" | "connections" | "refused connections";

type HttpTracing = Pick<HttpConnectionManager, "tracing" | "requestIdExtension">;

export interface WrittenTelemetry {
  /** Absent where the listener has nothing that could be logged so. */
  readonly logs: ReadonlyMap<LoggedPart, readonly AccessLog[]>;
  /** Within a listener that of all requests is the same. */
  readonly tracing: HttpTracing;
}

export const NO_TELEMETRY: WrittenTelemetry = { logs: new Map(), tracing: {} };

export function writtenTelemetryIn(listener: Uint8Array): WrittenTelemetry {
  const logs = new Map<LoggedPart, readonly AccessLog[]>();
  let tracing: HttpTracing = {};
  changeTelemetry(fromBinary(ListenerSchema, listener), {
    logs(part, written) {
      logs.set(part, written);
      return written;
    },
    tracing: (written) => (tracing = written),
  });
  return { logs, tracing };
}

/** The listener with these in place of its own; a part that isn't there is logged no more, and what isn't traced neither. */
export function withWrittenTelemetry(listener: Uint8Array, { logs, tracing }: WrittenTelemetry): Uint8Array {
  const message = fromBinary(ListenerSchema, listener);
  changeTelemetry(message, { logs: (part) => logs.get(part) ?? [], tracing: () => tracing });
  return toBinary(ListenerSchema, message);
}

/** The bytes of each, by which they are compared and searched. */
export function textsOf({ logs, tracing }: WrittenTelemetry): readonly string[] {
  const ofLogs = [...logs].flatMap(([part, written]) =>
    written.map((log) => `${part} ${textOf(AccessLogSchema, log)}`),
  );
  if (tracing.tracing === undefined) return ofLogs;
  return [...ofLogs, `spans ${textOf(HttpConnectionManager_TracingSchema, tracing.tracing)}`];
}

function textOf<Schema extends DescMessage>(schema: Schema, message: MessageShape<Schema>): string {
  return Buffer.from(toBinary(schema, message)).toString("latin1");
}

interface Change {
  readonly logs: (part: LoggedPart, written: readonly AccessLog[]) => readonly AccessLog[];
  readonly tracing: (written: HttpTracing) => HttpTracing;
}

function changeTelemetry(listener: Listener, change: Change): void {
  listener.accessLog = changed("refused connections", listener.accessLog, change);
  const chains = [...listener.filterChains, listener.defaultFilterChain];
  const filters = chains.flatMap((chain: FilterChain | undefined) => chain?.filters ?? []);
  for (const filter of filters) changeFilter(filter, change);
}

function changeFilter({ configType }: Filter, change: Change): void {
  if (configType.case !== "typedConfig") return;
  const config = configType.value;
  switch (config.typeUrl.split("/").at(-1)) {
    case HttpConnectionManagerSchema.typeName: {
      const manager = fromBinary(HttpConnectionManagerSchema, config.value);
      manager.accessLog = changed("requests", manager.accessLog, change);
      const { tracing, requestIdExtension } = change.tracing({
        tracing: manager.tracing,
        requestIdExtension: manager.requestIdExtension,
      });
      manager.tracing = tracing;
      manager.requestIdExtension = requestIdExtension;
      config.value = toBinary(HttpConnectionManagerSchema, manager);
      return;
    }
    case TcpProxySchema.typeName: {
      const proxy = fromBinary(TcpProxySchema, config.value);
      proxy.accessLog = changed("connections", proxy.accessLog, change);
      config.value = toBinary(TcpProxySchema, proxy);
      return;
    }
  }
}

/** They come first, as the builders write them. */
function changed(part: LoggedPart, logs: readonly AccessLog[], change: Change): AccessLog[] {
  const written = logs.filter((log) => !isOurs(log));
  return [...change.logs(part, written), ...logs.filter(isOurs)];
}

/** What tells the agent of traffic is ours, and always behind a runtime key. */
function isOurs({ filter }: AccessLog): boolean {
  return filter?.filterSpecifier.case === "runtimeFilter";
}
