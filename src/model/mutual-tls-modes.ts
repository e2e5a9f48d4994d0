// Which mTLS mode holds for a workload and each of its ports: PeerAuthentication, mesh < namespace < workload < port.

import type { ObjectKey } from "../core/object-key.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import { type ClaimedField, claims } from "../kinds/claims.ts";
import {
  type PeerAuthentication,
  type PeerAuthenticationMode,
  peerAuthenticationKind,
} from "../kinds/peer-authentication.ts";
import type { MeshSettings } from "./mesh-settings.ts";
import { keyOf, type Sources } from "./sources.ts";
import {
  declareWorkloadPolicies,
  policiesOf,
  type Workload,
  type WorkloadPolicies,
} from "./workload-policies.ts";

export const peerAuthenticationFields: readonly ClaimedField[] = claims(peerAuthenticationKind, [
  "spec.selector.matchLabels.*",
]);

export type MutualTlsMode = "STRICT" | "PERMISSIVE" | "DISABLE";

export interface WorkloadMutualTls {
  readonly mode: MutualTlsMode;
  /** By the application's port number. */
  readonly modeByPort: Readonly<Record<number, MutualTlsMode>>;
  /** The policies that decided, most specific first. */
  readonly policies: readonly ObjectKey[];
}

export type PeerAuthentications = WorkloadPolicies<PeerAuthentication>;

export function declarePeerAuthentications(
  graph: Graph,
  sources: Sources,
  settings: Table<MeshSettings>,
): PeerAuthentications {
  return declareWorkloadPolicies(graph, settings, {
    name: "PeerAuthentication",
    table: sources.PeerAuthentication,
    choiceOf: ({ spec }) => ({ labels: spec?.selector?.matchLabels }),
    rootLabelsChooseFrom: "its own namespace",
  });
}

/** The oldest of several policies of one scope wins, as in Istio. */
export function mutualTlsOf(
  read: Read,
  peerAuthentications: PeerAuthentications,
  workload: Workload,
): WorkloadMutualTls {
  const found = policiesOf(read, peerAuthentications, workload);
  const [[specific], [namespace], [mesh]] = [found.workload, found.namespace, found.mesh];
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

function written(policy: PeerAuthentication | undefined): MutualTlsMode | undefined {
  return known(policy?.spec?.mtls?.mode);
}

function known(mode: PeerAuthenticationMode | undefined): MutualTlsMode | undefined {
  return mode === "UNSET" ? undefined : mode;
}
