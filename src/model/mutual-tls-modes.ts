// Which mTLS mode holds for a workload and each of its ports: PeerAuthentication, mesh < namespace < workload < port.

import type { ObjectKey } from "../core/object-key.ts";
import { objectKey } from "../core/object-key.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import type { Index } from "../graph/table-index.ts";
import type { PeerAuthentication, MutualTlsMode as WrittenMode } from "../kinds/peer-authentication.ts";
import type { MeshSettings } from "./mesh-settings.ts";
import { byAge } from "./service.ts";
import type { Sources } from "./sources.ts";

export type MutualTlsMode = "STRICT" | "PERMISSIVE" | "DISABLE";

export interface WorkloadMutualTls {
  readonly mode: MutualTlsMode;
  /** By the application's port number. */
  readonly modeByPort: Readonly<Record<number, MutualTlsMode>>;
  /** The policies that decided, most specific first. */
  readonly policies: readonly ObjectKey[];
}

export interface MutualTlsModes {
  readonly policiesByNamespace: Index<PeerAuthentication>;
  readonly settings: Table<MeshSettings>;
}

export interface WorkloadFacts {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

export function declareMutualTlsModes(
  graph: Graph,
  sources: Sources,
  settings: Table<MeshSettings>,
): MutualTlsModes {
  return {
    settings,
    policiesByNamespace: graph.index(
      sources.PeerAuthentication,
      "peer authentications by namespace",
      (policy) => [policy.metadata.namespace],
    ),
  };
}

/** The oldest of several policies of one scope wins, as in Istio. */
export function mutualTlsOf(read: Read, modes: MutualTlsModes, workload: WorkloadFacts): WorkloadMutualTls {
  const { rootNamespace } = read.one(modes.settings);
  const own = policiesOf(read, modes, workload.namespace);
  const mesh = policiesOf(read, modes, rootNamespace).find((policy) => !hasSelector(policy));
  const namespace =
    workload.namespace === rootNamespace ? undefined : own.find((policy) => !hasSelector(policy));
  const specific = own.find((policy) => hasSelector(policy) && selects(policy, workload.labels));
  const mode = written(specific) ?? written(namespace) ?? written(mesh) ?? "PERMISSIVE";
  const modeByPort: Record<number, MutualTlsMode> = {};
  for (const [port, { mode: portMode }] of Object.entries(specific?.spec?.portLevelMtls ?? {})) {
    modeByPort[Number(port)] = known(portMode) ?? mode;
  }
  const policies = [specific, namespace, mesh].flatMap((policy) =>
    policy === undefined ? [] : [keyOf(policy)],
  );
  return { mode, modeByPort, policies };
}

export function modeOfPort({ mode, modeByPort }: WorkloadMutualTls, port: number): MutualTlsMode {
  return modeByPort[port] ?? mode;
}

function policiesOf(read: Read, { policiesByNamespace }: MutualTlsModes, namespace: string) {
  const policies = read.find(policiesByNamespace, namespace).map(([, policy]) => policy);
  return policies.sort((a, b) => byAge(ageOf(a), ageOf(b)));
}

function ageOf({ metadata: { creationTimestamp, namespace, name } }: PeerAuthentication) {
  return { createdAt: creationTimestamp ?? "", namespace, name };
}

function hasSelector(policy: PeerAuthentication): boolean {
  return Object.keys(policy.spec?.selector?.matchLabels ?? {}).length > 0;
}

function selects(policy: PeerAuthentication, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(policy.spec?.selector?.matchLabels ?? {}).every(
    ([key, value]) => labels[key] === value,
  );
}

function written(policy: PeerAuthentication | undefined): MutualTlsMode | undefined {
  return known(policy?.spec?.mtls?.mode);
}

function known(mode: WrittenMode | undefined): MutualTlsMode | undefined {
  return mode === "UNSET" ? undefined : mode;
}

function keyOf({ metadata: { namespace, name } }: PeerAuthentication): ObjectKey {
  return objectKey({ kind: "PeerAuthentication", namespace, name });
}
