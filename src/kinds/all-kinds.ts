// The list of kinds that the mesh knows, and the ways to look one up.

import { authorizationPolicyKind } from "./authorization-policy/authorization-policy.ts";
import { configMapKind } from "./config-map.ts";
import { daemonSetKind } from "./daemon-set.ts";
import type { Kind, KindRole, ObjectOf } from "./define-kind.ts";
import { apiVersionOf } from "./define-kind.ts";
import { deploymentKind } from "./deployment.ts";
import { destinationRuleKind } from "./destination-rule/destination-rule.ts";
import { endpointSliceKind } from "./endpoint-slice.ts";
import { envoyFilterKind } from "./envoy-filter/envoy-filter.ts";
import { gatewayKind } from "./gateway/gateway.ts";
import { jobKind } from "./job.ts";
import { meshConfigKind } from "./mesh-config/mesh-config.ts";
import { namespaceKind } from "./namespace.ts";
import { nodeKind } from "./node.ts";
import { peerAuthenticationKind } from "./peer-authentication.ts";
import { podKind } from "./pod/pod.ts";
import { proxyConfigKind } from "./proxy-config.ts";
import { clusterRoleKind } from "./rbac/cluster-role.ts";
import { clusterRoleBindingKind } from "./rbac/cluster-role-binding.ts";
import { roleKind } from "./rbac/role.ts";
import { roleBindingKind } from "./rbac/role-binding.ts";
import { replicaSetKind } from "./replica-set.ts";
import { requestAuthenticationKind } from "./request-authentication.ts";
import { secretKind } from "./secret.ts";
import { serviceKind } from "./service.ts";
import { serviceAccountKind } from "./service-account.ts";
import { serviceEntryKind } from "./service-entry/service-entry.ts";
import { sidecarKind } from "./sidecar/sidecar.ts";
import { statefulSetKind } from "./stateful-set.ts";
import { telemetryKind } from "./telemetry/telemetry.ts";
import { trafficExtensionKind } from "./traffic-extension.ts";
import { virtualServiceKind } from "./virtual-service/virtual-service.ts";
import { wasmPluginKind } from "./wasm-plugin.ts";
import { workloadEntryKind } from "./workload-entry.ts";
import { workloadGroupKind } from "./workload-group.ts";

const declared = [
  namespaceKind,
  nodeKind,
  serviceAccountKind,
  roleKind,
  roleBindingKind,
  clusterRoleKind,
  clusterRoleBindingKind,
  configMapKind,
  secretKind,
  serviceKind,
  endpointSliceKind,
  podKind,
  replicaSetKind,
  deploymentKind,
  statefulSetKind,
  daemonSetKind,
  jobKind,
  virtualServiceKind,
  destinationRuleKind,
  gatewayKind,
  serviceEntryKind,
  sidecarKind,
  workloadEntryKind,
  workloadGroupKind,
  envoyFilterKind,
  proxyConfigKind,
  peerAuthenticationKind,
  requestAuthenticationKind,
  authorizationPolicyKind,
  telemetryKind,
  wasmPluginKind,
  trafficExtensionKind,
  meshConfigKind,
] as const;

export const kinds: readonly Kind[] = declared;

type Declared = (typeof declared)[number];
type WithRole<Role extends KindRole> = Declared extends infer D
  ? D extends { readonly kind: string; readonly roles: readonly (infer R)[] }
    ? Role extends R
      ? D
      : never
    : never
  : never;

/** The types of the objects that the model is made of, by Kind name. */
export type ModeledObjects = { readonly [D in WithRole<"modeled"> as D["kind"]]: ObjectOf<D> };

/** The types of policies that proxies enforce for the workloads chosen, by Kind name. */
export type EnforcedObjects = { readonly [D in WithRole<"enforced"> as D["kind"]]: ObjectOf<D> };

export type EnforcedKind = keyof EnforcedObjects;

export function kindsWithRole(role: KindRole): readonly Kind[] {
  return kinds.filter(({ roles }) => roles.includes(role));
}

/** By Kind name, which is unique among ours. */
export const kindByName: ReadonlyMap<string, Kind> = new Map(kinds.map((kind) => [kind.kind, kind]));

/** The kind of an object as written, in any version that is served. */
export function findKind(apiVersion: string, kind: string): Kind | undefined {
  const found = kindByName.get(kind);
  if (found === undefined || found.scope === "Pseudo") return undefined;
  return found.versions.served.some((version) => apiVersionOf(found.group, version) === apiVersion)
    ? found
    : undefined;
}
