// What a stream is: the pod that its credentials prove, where what it says of itself agrees; a client that is no pod of
// the mesh; or nothing yet. A pure function of credentials, claim and pods, so that it follows every change of a pod.

import { addressKey } from "../core/cidr.ts";
import { quoted } from "../core/quoted.ts";
import type { StreamIdentity } from "../core/stream-identity.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import { type ClaimedField, claims } from "../kinds/claims.ts";
import { type WorkloadGroup, workloadGroupKind } from "../kinds/workload-group.ts";
import type { Model } from "../model/model.ts";
import { rowKey } from "../model/sources.ts";
import type { Workload } from "../model/workloads.ts";
import type { ConnectedProxy } from "./client-scope.ts";

/** By Istio's node id and metadata: nothing of it is proven. */
export interface ProxyClaim extends Omit<ConnectedProxy, "pod"> {
  /** In the node id; it is among `addresses`, too. */
  readonly address: string;
  /** Of a virtual machine. */
  readonly workloadGroup?: string;
}

export interface ProxyStream {
  readonly identity: StreamIdentity;
  readonly claim: ProxyClaim;
  /** Absent on a unix socket. */
  readonly remoteAddress: string | undefined;
}

/**
 * `known`: served as what it is. `unknown`: its pod isn't here (yet), or it is a virtual machine of no WorkloadGroup; it is
 * served what its namespace may see, without labels. `refused`: it says what its credentials don't prove.
 */
export type Recognition =
  | { readonly kind: "known" | "unknown"; readonly proxy: ConnectedProxy }
  | { readonly kind: "refused"; readonly message: string };

export interface Recognitions {
  /** By the stream's key. */
  readonly table: Table<Recognition>;
  /** Without those that are refused. */
  readonly proxies: Table<ConnectedProxy>;
}

export const machineFields: readonly ClaimedField[] = claims(workloadGroupKind, [
  "spec.metadata.labels.*",
  "spec.template.labels.*",
  "spec.template.locality",
  "spec.template.serviceAccount",
]);

export function declareRecognitions(graph: Graph, model: Model, streams: Table<ProxyStream>): Recognitions {
  const table = graph.derive<ProxyStream, Recognition>({
    name: "recognized streams",
    from: streams,
    rows: (key, stream, read) => [[key, recognize(stream, workloadsOf(model, read))]],
  });
  const proxies = graph.derive<Recognition, ConnectedProxy>({
    name: "connected proxies",
    from: table,
    rows: (key, recognition) => (recognition.kind === "refused" ? [] : [[key, recognition.proxy]]),
  });
  return { table, proxies };
}

interface Pods {
  named(namespace: string, name: string): Workload | undefined;
  /** Whose own address it is. */
  at(address: string): Workload | undefined;
  group(namespace: string, name: string): WorkloadGroup | undefined;
}

function workloadsOf(model: Model, read: Read): Pods {
  const { table, byOwnAddress } = model.workloads;
  return {
    named: (namespace, name) => read.get(table, rowKey(namespace, name)),
    at(address) {
      const key = addressKey(address);
      return key === undefined ? undefined : read.find(byOwnAddress, key)[0]?.[1];
    },
    group: (namespace, name) => read.get(model.workloadGroups, rowKey(namespace, name)),
  };
}

function recognize(stream: ProxyStream, pods: Pods): Recognition {
  const { identity, claim } = stream;
  if (identity.proof === "none") return recognizeStranger(claim, pods);
  const { proof, namespace, serviceAccount, pod } = identity;
  if (claim.namespace !== namespace)
    return refused(
      claim,
      `the ${proof} is of the namespace "${namespace}", the node of ${quoted(claim.namespace)}`,
    );
  if (pod !== undefined && claim.name !== pod.name)
    return refused(claim, `the ${proof} is of the pod "${pod.name}", the node says ${quoted(claim.name)}`);
  const workload = pods.named(namespace, claim.name);
  // Of two pods that had the name one after the other, the credentials tell which is meant.
  const isOther = pod !== undefined && workload?.uid !== pod.uid;
  if (workload === undefined || isOther || workload.addresses.length === 0)
    return pod === undefined
      ? recognizeMachine(stream, { serviceAccount, named: workload }, pods)
      : unknown(claim);
  if (workload.serviceAccount !== serviceAccount) {
    const found = `the ${proof} is of the ServiceAccount "${serviceAccount}"`;
    return refused(claim, `${found}, the pod of "${workload.serviceAccount}"`);
  }
  if (pod === undefined && !comesFrom(stream, workload))
    return refused(
      claim,
      `the ${proof} names no pod, and the connection doesn't come from this one's address`,
    );
  return recognizePod(claim, workload);
}

/** On plaintext anybody may say anything, of what is nobody else's. */
function recognizeStranger(claim: ProxyClaim, pods: Pods): Recognition {
  const found =
    pods.named(claim.namespace, claim.name) ??
    claim.addresses.map((address) => pods.at(address)).find((pod) => pod !== undefined);
  if (found === undefined) return { kind: "known", proxy: claimed(claim) };
  const name = `${found.namespace}/${found.name}`;
  return refused(claim, `this is the pod "${name}" by name or address, and plaintext doesn't prove it`);
}

/** A virtual machine is no pod: neither its name nor its address may be one's. What it is its WorkloadGroup says. */
function recognizeMachine(
  { identity, claim, remoteAddress }: ProxyStream,
  { serviceAccount, named }: { readonly serviceAccount: string; readonly named: Workload | undefined },
  pods: Pods,
): Recognition {
  if (named !== undefined) return unknown(claim);
  const other = remoteAddress === undefined ? undefined : pods.at(remoteAddress);
  if (other !== undefined)
    return refused(
      claim,
      `the ${identity.proof} names no pod, and the connection comes from the pod "${other.namespace}/${other.name}"`,
    );
  const { workloadGroup } = claim;
  const group = workloadGroup === undefined ? undefined : pods.group(claim.namespace, workloadGroup);
  if (group === undefined || claim.kind !== "sidecar" || remoteAddress === undefined) return unknown(claim);
  const { metadata, template } = group.spec;
  const { serviceAccount: wanted = "default", locality = "" } = template;
  if (wanted !== serviceAccount)
    return refused(
      claim,
      `the ${identity.proof} is of the ServiceAccount "${serviceAccount}", its WorkloadGroup of "${wanted}"`,
    );
  const labels = { ...metadata?.labels, ...template.labels };
  return { kind: "known", proxy: { ...claimed(claim), labels, addresses: [remoteAddress], locality } };
}

/** What the pod says counts; what it can't say is the proxy's own affair. */
function recognizePod(claim: ProxyClaim, workload: Workload): Recognition {
  const { uid, namespace, name, labels, addresses, serviceAccount, proxyKind } = workload;
  if (claim.kind !== proxyKind) return refused(claim, `its pod was made as a ${proxyKind}`);
  if (!addresses.some((address) => isSameAddress(address, claim.address)))
    return refused(claim, `${quoted(claim.address)} is none of the addresses of its pod`);
  const pod = { key: rowKey(namespace, name), uid, serviceAccount };
  return { kind: "known", proxy: { ...claimed(claim), labels, addresses, locality: "", pod } };
}

function unknown(claim: ProxyClaim): Recognition {
  return { kind: "unknown", proxy: { ...claimed(claim), labels: {}, locality: "" } };
}

function claimed({ address: _, workloadGroup: __, ...proxy }: ProxyClaim): ConnectedProxy {
  return proxy;
}

/** Addresses of a host's network say nothing of a pod. */
function comesFrom({ remoteAddress }: ProxyStream, { addresses, isOnHostNetwork }: Workload): boolean {
  if (isOnHostNetwork) return true;
  return remoteAddress !== undefined && addresses.some((address) => isSameAddress(address, remoteAddress));
}

function isSameAddress(one: string, other: string): boolean {
  const key = addressKey(one);
  return key !== undefined && key === addressKey(other);
}

function refused({ kind, name, namespace }: ProxyClaim, reason: string): Recognition {
  return {
    kind: "refused",
    message: `Cannot serve the ${kind} ${quoted(`${name}.${namespace}`)}: ${reason}`,
  };
}
