// The access logs of a listener as it is served whose formats and filters users write. No check of ours knows all that an
// Envoy refuses in these, and it refuses the whole listener.

import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type AccessLog, AccessLogSchema } from "../../gen/envoy/config/accesslog/v3/accesslog_pb.ts";
import type { Filter, FilterChain } from "../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import { type Listener, ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.ts";
import { HttpConnectionManagerSchema } from "../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { TcpProxySchema } from "../../gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts";

/** Of what a log tells. Within a listener all logs of one are the same. */
export type LoggedPart = "requests" | "connections" | "refused connections";

/** Absent where the listener has nothing that could be logged so. */
export type WrittenLogs = ReadonlyMap<LoggedPart, readonly AccessLog[]>;

export function writtenLogsIn(listener: Uint8Array): WrittenLogs {
  const found = new Map<LoggedPart, readonly AccessLog[]>();
  changeLogs(fromBinary(ListenerSchema, listener), (part, written) => {
    found.set(part, written);
    return written;
  });
  return found;
}

/** The listener with these in place of its own; a part that isn't there is logged no more. */
export function withWrittenLogs(listener: Uint8Array, logs: WrittenLogs): Uint8Array {
  const message = fromBinary(ListenerSchema, listener);
  changeLogs(message, (part) => logs.get(part) ?? []);
  return toBinary(ListenerSchema, message);
}

/** The bytes of each, by which logs are compared and searched. */
export function textsOf(logs: WrittenLogs): readonly string[] {
  return [...logs].flatMap(([part, written]) =>
    written.map((log) => `${part} ${Buffer.from(toBinary(AccessLogSchema, log)).toString("latin1")}`),
  );
}

type Change = (part: LoggedPart, written: readonly AccessLog[]) => readonly AccessLog[];

function changeLogs(listener: Listener, change: Change): void {
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
  return [...change(part, written), ...logs.filter(isOurs)];
}

/** What tells the agent of traffic is ours, and always behind a runtime key. */
function isOurs({ filter }: AccessLog): boolean {
  return filter?.filterSpecifier.case === "runtimeFilter";
}
