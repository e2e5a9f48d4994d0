// Istio's labels of its standard metrics, from what a proxy tells of a request or connection and what the agent knows of
// its own pod. The rules are those of Istio's stats filter (istio/proxy, istio_stats.cc).

import {
  type CalledService,
  type HttpRecordField,
  parseCalledService,
  type TcpRecordField,
} from "../../core/telemetry-record.ts";
import { parseDescription, type WorkloadDescription } from "../../core/workload-description.ts";

export type RecordFields = Readonly<Record<Exclude<TcpRecordField, never>, string>> &
  Readonly<Partial<Record<HttpRecordField, string>>>;

/** In the order in which they are written. */
export type Labels = readonly (readonly [name: string, value: string])[];

const UNKNOWN = "unknown";

export function httpLabels(own: WorkloadDescription, fields: RecordFields, isGrpc: boolean): Labels {
  const { responseCode = "", grpcStatus = "" } = fields;
  return [
    ...commonLabels(own, fields, isGrpc ? "grpc" : "http"),
    ["response_code", responseCode || "0"],
    ["grpc_response_status", isGrpc ? grpcStatus : ""],
  ];
}

export function tcpLabels(own: WorkloadDescription, fields: RecordFields): Labels {
  return commonLabels(own, fields, "tcp");
}

function commonLabels(own: WorkloadDescription, fields: RecordFields, protocol: string): Labels {
  const isCaller = fields.side === "c";
  const peer = peerOf(fields);
  const peerNamespace = namespaceOf(fields.peerPrincipal) || peer?.namespace || UNKNOWN;
  const ofPeer = { ...(peer ?? nobody), namespace: peerNamespace, principal: fields.peerPrincipal };
  const ofSelf = { ...own, principal: fields.localPrincipal };
  const [source, destination] = isCaller ? [ofSelf, ofPeer] : [ofPeer, ofSelf];
  const service = serviceOf(fields);
  const fallback = isCaller ? UNKNOWN : own.canonicalService;
  return [
    ["reporter", isCaller ? "source" : "destination"],
    ...workloadLabels("source", source),
    ...workloadLabels("destination", destination),
    ["destination_service", service.host || fallback],
    ["destination_service_name", service.name || fallback],
    ["destination_service_namespace", isCaller ? peerNamespace : own.namespace],
    ["request_protocol", protocol],
    ["response_flags", fields.responseFlags || "-"],
    ["connection_security_policy", isCaller ? UNKNOWN : securityOf(fields)],
  ];
}

interface Workload extends WorkloadDescription {
  readonly principal: string;
}

const nobody: WorkloadDescription = {
  workload: "",
  namespace: "",
  canonicalService: "",
  canonicalRevision: "",
  cluster: "",
  app: "",
  version: "",
};

function workloadLabels(side: "source" | "destination", workload: Workload): Labels {
  return [
    [`${side}_workload`, workload.workload || UNKNOWN],
    [`${side}_canonical_service`, workload.canonicalService || UNKNOWN],
    [`${side}_canonical_revision`, workload.canonicalRevision || "latest"],
    [`${side}_workload_namespace`, workload.namespace || UNKNOWN],
    [`${side}_principal`, workload.principal || UNKNOWN],
    [`${side}_app`, workload.app || UNKNOWN],
    [`${side}_version`, workload.version || UNKNOWN],
    [`${side}_cluster`, workload.cluster || UNKNOWN],
  ];
}

/** An endpoint's metadata lacks `app` and `version`, which the server's certificate has. */
export function peerOf({
  endpoint,
  peerSubject,
}: Pick<RecordFields, "endpoint" | "peerSubject">): WorkloadDescription | undefined {
  const certified = parseDescription(/(?:^|,)description=([^,+]*)/.exec(peerSubject)?.[1] ?? "", ":");
  const known = parseDescription(endpoint, ";");
  if (known === undefined) return certified;
  return { ...known, app: certified?.app ?? "", version: certified?.version ?? "" };
}

/** Of `spiffe://cluster.local/ns/shop/sa/web`. */
function namespaceOf(principal: string): string {
  return /\/ns\/([^/]+)\/sa\//.exec(principal)?.[1] ?? "";
}

function securityOf({ side, peerPrincipal, localPrincipal }: RecordFields): string {
  return side === "m" && peerPrincipal !== "" && localPrincipal !== "" ? "mutual_tls" : "none";
}

type NamedService = Pick<CalledService, "host" | "name">;

// Names that Istio gives routes and clusters for what the mesh doesn't know.
const namesByRoute: Readonly<Record<string, string>> = {
  block_all: "BlackHoleCluster",
  allow_any: "PassthroughCluster",
};
const FIXED_CLUSTER = /^(?:BlackHoleCluster|(?:Inbound)?PassthroughCluster(?:Ipv[46])?)$/;

function serviceOf({ authority = "", cluster, routeName = "", service }: RecordFields): NamedService {
  const byRoute = namesByRoute[routeName];
  if (byRoute !== undefined) return { host: authority, name: byRoute };
  if (FIXED_CLUSTER.test(cluster)) return { host: authority, name: cluster };
  const told = parseCalledService(service);
  if (told !== undefined) return told;
  // `outbound|9080|v1|reviews.shop.svc.cluster.local`: a Service of Kubernetes is named by its host.
  const host = /^outbound\|\d+\|[^|]*\|(.+)$/.exec(cluster)?.[1];
  if (host !== undefined) return { host, name: host.slice(0, `${host}.`.indexOf(".")) };
  return { host: authority, name: authority };
}
