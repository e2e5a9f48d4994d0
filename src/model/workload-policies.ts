// Which policies are for a workload: those of the mesh, of its namespace, and those that choose it by label or by the
// Gateway that it runs. What a kind says to take part is how its policies choose; all else is the same for every kind.

import { type Labels, matchesLabels } from "../core/label-selector.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";
import type { ObjectMeta } from "../kinds/object-meta.ts";
import type { PolicyTargetReference } from "../kinds/policy-target.ts";
import type { WorkloadSelector } from "../kinds/workload-selector.ts";
import type { MeshSettings } from "./mesh-settings.ts";
import { byAge } from "./service.ts";

export type PolicyObject = Omit<KubernetesObject, "metadata"> & {
  readonly metadata: ObjectMeta & { readonly namespace: string };
};

/** How one policy chooses. Without labels and targets it is for its whole namespace. */
export interface PolicyChoice {
  readonly labels?: Labels | undefined;
  readonly targets?: readonly PolicyTargetReference[] | undefined;
}

/** Fields of a policy's spec by which `choiceOfSpec` chooses, for claims. */
export const policyChoiceFields = [
  "selector.matchLabels.*",
  ...(["targetRef.group", "targetRef.kind", "targetRef.name", "targetRef.namespace"] as const),
  ...(["targetRefs[].group", "targetRefs[].kind", "targetRefs[].name", "targetRefs[].namespace"] as const),
] as const;

/** How policies choose that have a selector, or refer to targets. */
export function choiceOfSpec({ selector, targetRef, targetRefs = [] }: ChoosingSpec): PolicyChoice {
  const targets = targetRef === undefined ? targetRefs : [targetRef, ...targetRefs];
  return { labels: selector?.matchLabels, targets };
}

export interface ChoosingSpec {
  readonly selector?: WorkloadSelector;
  readonly targetRef?: PolicyTargetReference;
  readonly targetRefs?: readonly PolicyTargetReference[];
}

export interface PolicyKind<Policy extends PolicyObject> {
  /** In the names of tables. */
  readonly name: string;
  readonly table: Table<Policy>;
  readonly choiceOf: (policy: Policy) => PolicyChoice;
  /** Whether labels in a policy of the root namespace choose workloads of all namespaces, or of that one alone. */
  readonly rootLabelsChooseFrom: "every namespace" | "its own namespace";
}

export interface Workload {
  readonly namespace: string;
  readonly labels: Labels;
}

/** Each list is in order of age, the oldest first. */
export interface PoliciesOfWorkload<Policy> {
  /** Of the root namespace, without a choice. */
  readonly mesh: readonly Policy[];
  /** Of the workload's namespace, without a choice; empty in the root namespace. */
  readonly namespace: readonly Policy[];
  /** Those that choose it: of its namespace, then of the root namespace. */
  readonly workload: readonly Policy[];
}

interface NamespacePolicies<Policy> {
  readonly all: readonly Policy[];
  readonly choosing: readonly (readonly [PolicyChoice, Policy])[];
}

export interface WorkloadPolicies<Policy extends PolicyObject> {
  readonly kind: PolicyKind<Policy>;
  readonly settings: Table<MeshSettings>;
  readonly byNamespace: Table<NamespacePolicies<Policy>>;
}

export function declareWorkloadPolicies<Policy extends PolicyObject>(
  graph: Graph,
  settings: Table<MeshSettings>,
  kind: PolicyKind<Policy>,
): WorkloadPolicies<Policy> {
  const index = graph.index(kind.table, `${kind.name} policies by namespace`, ({ metadata }) => [
    metadata.namespace,
  ]);
  const byNamespace = graph.derive({
    name: `${kind.name} policies of namespaces`,
    from: graph.group(`${kind.name} policies grouped by namespace`, index),
    rows: (namespace, rows) => [
      [
        namespace,
        inOrder(
          rows.map(([, policy]) => policy),
          kind,
        ),
      ] as const,
    ],
  });
  return { kind, settings, byNamespace };
}

export function policiesOf<Policy extends PolicyObject>(
  read: Read,
  { kind, settings, byNamespace }: WorkloadPolicies<Policy>,
  workload: Workload,
): PoliciesOfWorkload<Policy> {
  const { rootNamespace } = read.one(settings);
  const root = read.get(byNamespace, rootNamespace) ?? NONE;
  const isInRoot = workload.namespace === rootNamespace;
  const own = isInRoot ? root : (read.get(byNamespace, workload.namespace) ?? NONE);
  const ofRoot = !isInRoot && kind.rootLabelsChooseFrom === "every namespace" ? root.choosing : [];
  const chosen = (choosing: NamespacePolicies<Policy>["choosing"]) =>
    choosing.flatMap(([choice, policy]) => (chooses(choice, workload) ? [policy] : []));
  return {
    mesh: root.all,
    namespace: isInRoot ? [] : own.all,
    // Gateways are named in the policy's own namespace.
    workload: [
      ...chosen(own.choosing),
      ...chosen(ofRoot.filter(([{ targets = [] }]) => targets.length === 0)),
    ],
  };
}

/** All that may be for workloads of the namespace, whatever they choose: its own, and the root namespace's. */
export function policiesOfNamespace<Policy extends PolicyObject>(
  read: Read,
  { settings, byNamespace }: WorkloadPolicies<Policy>,
  namespace: string,
): readonly Policy[] {
  const namespaces = new Set([namespace, read.one(settings).rootNamespace]);
  return [...namespaces].flatMap((each) => {
    const { all, choosing } = read.get(byNamespace, each) ?? NONE;
    return [...all, ...choosing.map(([, policy]) => policy)];
  });
}

/** Whether the namespace has policies of its own, whatever they choose. */
export function hasOwnPolicies<Policy extends PolicyObject>(
  read: Read,
  { byNamespace }: WorkloadPolicies<Policy>,
  namespace: string,
): boolean {
  return read.get(byNamespace, namespace) !== undefined;
}

/** Policies of one namespace that choose alike, the oldest first: of some kinds only the first has an effect. */
export function rivalsOf<Policy extends PolicyObject>(
  read: Read,
  { kind, byNamespace }: WorkloadPolicies<Policy>,
  policy: Policy,
): readonly Policy[] {
  const { all, choosing } = read.get(byNamespace, policy.metadata.namespace) ?? NONE;
  const choice = choiceText(kind.choiceOf(policy));
  if (choice === "") return all;
  return choosing.flatMap(([each, rival]) => (choiceText(each) === choice ? [rival] : []));
}

/** `app=web, version=v1`; empty for a policy without a choice. */
export function choiceText({ labels = {}, targets = [] }: PolicyChoice): string {
  const parts = [
    ...Object.entries(labels).map(([key, value]) => `${key}=${value}`),
    ...targets.map(({ kind, name }) => `${kind} ${name}`),
  ];
  return parts.sort().join(", ");
}

const NONE = { all: [], choosing: [] } as const;

function inOrder<Policy extends PolicyObject>(
  policies: readonly Policy[],
  { choiceOf }: PolicyKind<Policy>,
): NamespacePolicies<Policy> {
  const ordered = [...policies].sort((a, b) => byAge(ageOf(a), ageOf(b)));
  const withChoice = ordered.map((policy) => [choiceOf(policy), policy] as const);
  const isForAll = ([choice]: readonly [PolicyChoice, Policy]) => choiceText(choice) === "";
  return {
    all: withChoice.filter(isForAll).map(([, policy]) => policy),
    choosing: withChoice.filter((each) => !isForAll(each)),
  };
}

/** Of the pods of a Gateway of Kubernetes' own API. */
export const GATEWAY_NAME_LABEL = "gateway.networking.k8s.io/gateway-name";

/** Targets of other kinds than Gateway are nobody's whose traffic an own proxy takes. */
function chooses({ labels = {}, targets = [] }: PolicyChoice, workload: Workload): boolean {
  if (targets.length === 0) return matchesLabels(labels, workload.labels);
  const gateway = workload.labels[GATEWAY_NAME_LABEL];
  return targets.some(
    ({ group, kind, name }) =>
      group === "gateway.networking.k8s.io" && kind === "Gateway" && name === gateway,
  );
}

export function ageOf({ metadata: { creationTimestamp, namespace, name } }: PolicyObject) {
  return { createdAt: creationTimestamp ?? "", namespace, name };
}
