// One public report of Istio's users as an input of ours: a small mesh, calls, and where each must go. The number names the
// report at github.com/istio/istio/issues; the mesh and the words are ours.

import type { CaseProxy } from "../simulated-proxy.ts";
import type { Call, JsonObject, JsonValue } from "../walk-call.ts";

export interface Report {
  readonly number: number;
  /** What must happen, as the end of "In report N …". */
  readonly says: string;
  readonly mesh: string;
  readonly calls?: readonly ReportedCall[];
  readonly clusters?: readonly ReportedCluster[];
}

export interface ReportedCall {
  readonly from: CaseProxy;
  /** `ADDRESS:PORT` as the client dials it. */
  readonly to: string;
  readonly request?: Partial<Omit<Call, "address" | "port">>;
  /** The cluster, `redirect`, or why there is none. */
  readonly goes: string;
}

export interface ReportedCluster {
  readonly from: CaseProxy;
  readonly name: string;
  /** Of the cluster's message, or of undefined where there is none, and of the endpoints that it is sent. */
  readonly look: (
    cluster: JsonObject | undefined,
    assignment: JsonObject | undefined,
  ) => JsonValue | undefined;
  readonly is: JsonValue | undefined;
}

/** A sidecar in a namespace. */
export function sidecar(namespace: string, labels: Readonly<Record<string, string>> = {}): CaseProxy {
  return {
    ...{ type: "sidecar", id: `client.${namespace}`, ips: ["10.244.0.9"], namespace, labels },
    ...{ dnsDomain: `${namespace}.svc.cluster.local`, metadata: { LABELS: labels } },
  };
}

const gatewayLabels = { istio: "ingressgateway" };

/** What Gateways with the selector `istio: ingressgateway` are for. */
export const gateway: CaseProxy = {
  ...{ type: "router", id: "gateway.edge", ips: ["10.244.0.10"], namespace: "edge", labels: gatewayLabels },
  ...{ dnsDomain: "edge.svc.cluster.local", metadata: { LABELS: gatewayLabels } },
};

/** `name` is `NAMESPACE/NAME`, `fields` the spec in YAML's flow form. */
type Document = (name: string, fields: string) => string;

export const service: Document = (name, fields) => document("v1", "Service", name, fields);
export const virtualService: Document = (name, fields) => networking("VirtualService", name, fields);
export const destinationRule: Document = (name, fields) => networking("DestinationRule", name, fields);
export const serviceEntry: Document = (name, fields) => networking("ServiceEntry", name, fields);
export const gatewayOf: Document = (name, fields) =>
  networking("Gateway", name, `selector: { istio: ingressgateway }, ${fields}`);
export const peerAuthentication: Document = (name, fields) =>
  document("security.istio.io/v1", "PeerAuthentication", name, fields);

function networking(kind: string, name: string, fields: string): string {
  return document("networking.istio.io/v1", kind, name, fields);
}

function document(apiVersion: string, kind: string, name: string, fields: string): string {
  const [namespace, own] = name.split("/");
  return `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: ${own}, namespace: ${namespace} }\nspec: { ${fields} }\n`;
}

export function mesh(...documents: readonly string[]): string {
  return documents.join("---\n");
}

/** A cluster of a Service. */
export function toService(name: string, port: number, subset = ""): string {
  return `outbound|${port}|${subset}|${name}.svc.cluster.local`;
}
