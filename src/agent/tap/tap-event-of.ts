// What a tap shows of a line of Envoy's: names for both ends, and nothing secret. Headers are those that were asked for,
// and queries of paths are left out unless they were.

import type { TapDecision, TapEnd, TapEvent, TapQuery } from "../../core/tap-event.ts";
import type { TapFields, TapLine } from "../../core/tap-record.ts";
import { CONNECTION_END_EVENT, parseCalledService } from "../../core/telemetry-record.ts";
import type { WorkloadDescription } from "../../core/workload-description.ts";
import { peerOf } from "../metrics/request-labels.ts";

export type TapView = Pick<TapQuery, "headers" | "isQueryShown">;

export function tapEventOf(own: WorkloadDescription, line: TapLine, view: TapView): TapEvent {
  const { kind, fields } = line;
  const isCaller = fields.side === "c";
  const [peer, self] = [peerEnd(fields, isCaller), ownEnd(own, fields, isCaller)];
  const service = serviceOf(fields);
  return {
    kind,
    direction: isCaller ? "out" : "in",
    at: new Date(Number(fields.startMs) || 0).toISOString(),
    durationMs: Number(fields.durationMs) || 0,
    caller: isCaller ? self : peer,
    called: isCaller ? peer : self,
    isMutualTls: fields.peerPrincipal !== "" && fields.localPrincipal !== "",
    ...(service !== undefined && { service }),
    ...(kind === "http" ? requestOf(fields, view) : connectionOf(fields)),
    receivedBytes: Number(fields.receivedBytes) || 0,
    sentBytes: Number(fields.sentBytes) || 0,
    flags: fields.flags === "-" ? [] : fields.flags.split(",").filter((flag) => flag !== ""),
    ...(known(fields.details) && { details: fields.details }),
    ...(known(fields.failure) && { failure: fields.failure }),
    ...decision("route", fields.route, fields.routeFrom),
    ...decision("cluster", fields.cluster, fields.clusterFrom),
  };
}

function known(text: string | undefined): text is string {
  return text !== undefined && text !== "" && text !== "-";
}

function peerEnd(fields: TapFields, isCaller: boolean): TapEnd {
  const { workload, namespace } = peerOf(fields) ?? {};
  const address = isCaller ? fields.address : fields.callerAddress;
  return end({ workload, namespace, principal: fields.peerPrincipal, address });
}

function ownEnd(own: WorkloadDescription, fields: TapFields, isCaller: boolean): TapEnd {
  const { workload, namespace } = own;
  const address = isCaller ? fields.callerAddress : fields.address;
  return end({ workload, namespace, principal: fields.localPrincipal, address });
}

function end(texts: Readonly<Record<keyof TapEnd, string | undefined>>): TapEnd {
  return Object.fromEntries(Object.entries(texts).filter(([, text]) => known(text)));
}

function serviceOf({ service, cluster }: TapFields): string | undefined {
  const told = parseCalledService(service)?.host;
  return told ?? /^outbound\|\d+\|[^|]*\|(.+)$/.exec(cluster)?.[1];
}

function requestOf(fields: TapFields, { headers, isQueryShown }: TapView): Partial<TapEvent> {
  const { method, authority, path = "", protocol, status, grpcStatus } = fields;
  const withoutSecrets = (text: string) => (isQueryShown ? text : text.replace(/\?.*$/s, "?…"));
  const shown = headers.flatMap((name) => {
    const value = fields[name];
    // A referer is an address with a query of its own.
    return known(value) ? [[name, name === "referer" ? withoutSecrets(value) : value] as const] : [];
  });
  return {
    ...(known(method) && { method }),
    ...(known(authority) && { authority }),
    ...(known(path) && { path: withoutSecrets(path) }),
    ...(known(protocol) && { protocol }),
    status: Number(status) || 0,
    ...(known(grpcStatus) && { grpcStatus: Number(grpcStatus) }),
    ...(headers.length > 0 && { headers: Object.fromEntries(shown) }),
  };
}

function connectionOf({ event, connectionId, serverName }: TapFields): Partial<TapEvent> {
  return {
    state: event === CONNECTION_END_EVENT ? "closed" : "open",
    ...(known(connectionId) && { connection: connectionId }),
    ...(known(serverName) && { serverName }),
  };
}

function decision(
  what: "route" | "cluster",
  name: string | undefined,
  from: string | undefined,
): Readonly<Partial<Record<typeof what, TapDecision>>> {
  if (!known(name) && !known(from)) return {};
  return { [what]: { name: known(name) ? name : "", from: known(from) ? from.split(", ") : [] } };
}
