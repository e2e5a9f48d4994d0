// Agents' reports of their proxies' traffic, as a gRPC method for who shows a certificate of the mesh or comes by a pod's
// own socket. A token isn't enough: to ask the API server about it every few seconds would cost more than the report.

import { spiffeId } from "../core/spiffe-id.ts";
import type { ProvenIdentity } from "../core/stream-identity.ts";
import { decodeTrafficReport, TRAFFIC_REPORT_PATH } from "../core/traffic-report.ts";
import type { WorkloadDescription } from "../core/workload-description.ts";
import { type CallContext, decodeRequest, type GrpcMethod } from "../grpc/method.ts";
import { GrpcError } from "../grpc/status.ts";
import type { Authenticator } from "../identity/authenticator.ts";
import type { ReportingWorkload, TrafficHistory } from "../traffic/traffic-history.ts";
import { identifyCaller } from "./caller-identity.ts";

export interface TrafficMethodOptions {
  readonly history: TrafficHistory;
  readonly authenticator: Authenticator;
  /** What the mesh's objects call the workload of a pod; undefined for one that isn't known. */
  readonly describe: (caller: ProvenIdentity) => WorkloadDescription | undefined;
}

/** `owner`: who alone can reach the listener, where that is one pod. */
export function createTrafficMethod(options: TrafficMethodOptions, owner?: ProvenIdentity): GrpcMethod {
  // To read a certificate costs more than the rest of a report. It is the same object for all calls of a connection.
  const callers = new WeakMap<object, ProvenIdentity>();
  const callerOf = async ({ peer }: CallContext): Promise<ProvenIdentity> => {
    const known = callers.get(peer);
    if (known !== undefined) return known;
    const proofs = { owner, certificate: peer.certificate, metadata: () => undefined };
    const identity = await identifyCaller(proofs, options.authenticator);
    if (identity.kind === "refused")
      throw new GrpcError(identity.status, `Cannot take a report: ${identity.reason}`);
    callers.set(peer, identity.caller);
    return identity.caller;
  };
  return {
    kind: "unary",
    path: TRAFFIC_REPORT_PATH,
    async handle(bytes, call) {
      const reporter = reportingWorkload(await callerOf(call), options);
      options.history.add(reporter, decodeRequest(bytes, decodeTrafficReport));
      return [];
    },
  };
}

function reportingWorkload(caller: ProvenIdentity, { describe }: TrafficMethodOptions): ReportingWorkload {
  const { namespace, serviceAccount, pod, trustDomain } = caller;
  const principal = spiffeId({ trustDomain, namespace, serviceAccount });
  // Without a pod it is a virtual machine, or its CA is another: what is proven of it is its ServiceAccount.
  if (pod === undefined) return { workload: "", namespace, principal, id: principal };
  const workload = describe(caller)?.workload;
  if (workload === undefined)
    throw new GrpcError("UNAVAILABLE", `Pod "${namespace}/${pod.name}" isn't known here`);
  return { workload, namespace, principal, id: pod.uid };
}
