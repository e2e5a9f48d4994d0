// Of pods, what config depends on: who they are, where they are, what they listen on. A pod's status changes often;
// rows here change only when one of these facts does.

import { addressKey } from "../core/cidr.ts";
import { describeWorkload, formatEndpointDescription } from "../core/workload-description.ts";
import type { Graph } from "../graph/graph.ts";
import type { Table } from "../graph/table.ts";
import type { Index } from "../graph/table-index.ts";
import { type ClaimedField, claims } from "../kinds/claims.ts";
import type { Node } from "../kinds/node.ts";
import { type Pod, podKind } from "../kinds/pod/pod.ts";
import { localityOfNode, localityOfPod } from "./locality.ts";
import { rowKey, type Sources } from "./sources.ts";

export interface Workload {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  /** Empty until it has one. */
  readonly address: string;
  /** All that it has: one of each IP family. */
  readonly addresses: readonly string[];
  /** Its addresses are its node's, and other pods' too. */
  readonly isOnHostNetwork: boolean;
  /** What runs in it, as the pod was made: a gateway is a router. */
  readonly proxyKind: "sidecar" | "router";
  /** Its sidecar speaks mTLS. */
  readonly hasMutualTls: boolean;
  /** The owning Deployment's or other controller's name, as far as the pod's own name tells. */
  readonly workloadName: string;
  /** As metrics call it, in the metadata of its endpoints. */
  readonly description: string;
  readonly nodeName: string;
  /** `region/zone/subzone`; empty where unknown. */
  readonly locality: string;
  /** Numbers of its containers' ports by their names. */
  readonly portNumbers: Readonly<Record<string, number>>;
}

export interface Workloads {
  /** By `namespace/name` of the pod. */
  readonly table: Table<Workload>;
  readonly byAddress: Index<Workload>;
  /** By `addressKey` of each of its addresses; those on a host's network aren't in it. */
  readonly byOwnAddress: Index<Workload>;
  readonly byNamespace: Index<Workload>;
  /** By `namespace/name` of the ServiceAccount. */
  readonly byAccount: Index<Workload>;
}

export const workloadFields: readonly ClaimedField[] = [
  ...claims(podKind, ["spec.serviceAccountName", "spec.nodeName"]),
  ...claims(podKind, "spec.containers[]", ["command", "args", "ports[].name", "ports[].containerPort"]),
];

export const TLS_MODE_LABEL = "security.istio.io/tlsMode";

export function declareWorkloads(graph: Graph, sources: Sources): Workloads {
  const localities = graph.derive<Node, string>({
    name: "localities of nodes",
    from: sources.Node,
    rows: (key, node) => [[key, localityOfNode(node)]],
  });
  const table = graph.derive<Pod, Workload>({
    name: "workloads",
    from: sources.Pod,
    rows(key, pod, read) {
      if (isEnded(pod)) return [];
      const nodeName = pod.spec?.nodeName;
      const ofNode = nodeName === undefined ? undefined : read.get(localities, rowKey(undefined, nodeName));
      return [[key, workloadOf(pod, localityOfPod(pod, ofNode ?? ""))]];
    },
  });
  return {
    table,
    byAddress: graph.index(table, "workloads by address", ({ address }) => (address === "" ? [] : [address])),
    byOwnAddress: graph.index(table, "workloads by their own addresses", ({ addresses, isOnHostNetwork }) =>
      isOnHostNetwork ? [] : addresses.flatMap((address) => addressKey(address) ?? []),
    ),
    byAccount: graph.index(table, "ServiceAccounts of workloads", ({ namespace, serviceAccount }) => [
      rowKey(namespace, serviceAccount),
    ]),
    byNamespace: graph.index(table, "workloads by namespace", ({ namespace }) => [namespace]),
  };
}

function isEnded(pod: Pod): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}

function workloadOf(pod: Pod, locality: string): Workload {
  const { name, namespace, labels = {} } = pod.metadata;
  const workloadName = workloadNameOf(pod);
  return {
    uid: pod.metadata.uid ?? "",
    name,
    namespace,
    labels,
    serviceAccount: pod.spec?.serviceAccountName ?? "default",
    address: pod.status?.podIP ?? "",
    addresses: addressesOf(pod),
    isOnHostNetwork: pod.spec?.hostNetwork === true,
    proxyKind: proxyKindOf(pod),
    hasMutualTls: labels[TLS_MODE_LABEL] === "istio",
    workloadName,
    description: formatEndpointDescription(describeWorkload({ workloadName, namespace, labels })),
    nodeName: pod.spec?.nodeName ?? "",
    locality,
    portNumbers: namedPorts(pod),
  };
}

/** `reviews-v1` for the pod `reviews-v1-6d5f8c9b7-abcde` of a ReplicaSet; the controller's own name otherwise. */
function workloadNameOf(pod: Pod): string {
  const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller);
  if (owner === undefined) return pod.metadata.name;
  const hash = pod.metadata.labels?.["pod-template-hash"];
  return owner.kind === "ReplicaSet" && hash !== undefined && owner.name.endsWith(`-${hash}`)
    ? owner.name.slice(0, -hash.length - 1)
    : owner.name;
}

function addressesOf({ status }: Pod): readonly string[] {
  const { podIP, podIPs = [] } = status ?? {};
  const [only, ...others] = podIPs;
  if (podIP !== undefined && podIP !== "" && others.length === 0 && (only === undefined || only.ip === podIP))
    return [podIP];
  const all = [podIP, ...podIPs.map(({ ip }) => ip)];
  return [...new Set(all.filter((ip) => ip !== undefined && ip !== ""))] as string[];
}

/** By the words that injection, or whoever wrote the pod by hand, starts its proxy with. */
function proxyKindOf({ spec }: Pod): Workload["proxyKind"] {
  const { containers = [], initContainers = [] } = spec ?? {};
  return containers.some(isRouter) || initContainers.some(isRouter) ? "router" : "sidecar";
}

function isRouter({ command = NO_WORDS, args = NO_WORDS }: StartedContainer): boolean {
  const words = command.length === 0 ? args : [...command, ...args];
  return words.some((word, at) => word === "proxy" && words[at + 1] === "router");
}

const NO_WORDS: readonly string[] = [];

interface StartedContainer {
  readonly command?: readonly string[] | undefined;
  readonly args?: readonly string[] | undefined;
}

function namedPorts(pod: Pod): Readonly<Record<string, number>> {
  const numbers: Record<string, number> = {};
  for (const { ports = [] } of pod.spec?.containers ?? []) {
    for (const { name, containerPort } of ports) {
      if (name !== undefined) numbers[name] = containerPort;
    }
  }
  return numbers;
}
