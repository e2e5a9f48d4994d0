// Where the API server keeps the kinds of objects that an installation is made of, and the workloads that it moves.

import type { ApiResource } from "../kubernetes/api-resource.ts";
import type { InstallObject } from "./install-object.ts";

const namespaced = (apiVersion: string, kind: string, plural: string): ApiResource => ({
  apiVersion,
  kind,
  plural,
  isNamespaced: true,
});

const clusterWide = (apiVersion: string, kind: string, plural: string): ApiResource => ({
  apiVersion,
  kind,
  plural,
  isNamespaced: false,
});

const ADMISSION = "admissionregistration.k8s.io/v1";
const RBAC = "rbac.authorization.k8s.io/v1";

export const namespaceResource = clusterWide("v1", "Namespace", "namespaces");
export const podResource = namespaced("v1", "Pod", "pods");
export const configMapResource = namespaced("v1", "ConfigMap", "configmaps");
export const deploymentResource = namespaced("apps/v1", "Deployment", "deployments");
export const statefulSetResource = namespaced("apps/v1", "StatefulSet", "statefulsets");
export const daemonSetResource = namespaced("apps/v1", "DaemonSet", "daemonsets");
export const definitionResource = clusterWide(
  "apiextensions.k8s.io/v1",
  "CustomResourceDefinition",
  "customresourcedefinitions",
);
export const injectorResource = clusterWide(
  ADMISSION,
  "MutatingWebhookConfiguration",
  "mutatingwebhookconfigurations",
);

/** Those that come and go with an installation, in the order in which they go: first what the API server asks. */
export const removableResources: readonly ApiResource[] = [
  injectorResource,
  clusterWide(ADMISSION, "ValidatingWebhookConfiguration", "validatingwebhookconfigurations"),
  namespaced("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
  deploymentResource,
  daemonSetResource,
  namespaced("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"),
  namespaced("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
  namespaced("v1", "Service", "services"),
  configMapResource,
  clusterWide(RBAC, "ClusterRoleBinding", "clusterrolebindings"),
  clusterWide(RBAC, "ClusterRole", "clusterroles"),
  namespaced(RBAC, "RoleBinding", "rolebindings"),
  namespaced(RBAC, "Role", "roles"),
  namespaced("v1", "ServiceAccount", "serviceaccounts"),
];

const resourcesByKind: ReadonlyMap<string, ApiResource> = new Map(
  [...removableResources, statefulSetResource, namespaceResource, definitionResource].map((resource) => [
    resource.kind,
    resource,
  ]),
);

export function resourceOf({ kind }: Pick<InstallObject, "kind">): ApiResource {
  const resource = resourcesByKind.get(kind);
  if (resource === undefined) throw new Error(`Nothing here installs or moves objects of kind ${kind}`);
  return resource;
}
