// Well-known kinds of Kubernetes and others that the mesh accepts in a manifest and does nothing with.

import type { Severity } from "../core/problem-catalogue.ts";

export interface InertKind {
  readonly kind: string;
  readonly group: string;
  /** A warning where a user would expect an effect on traffic, else info. */
  readonly severity: Severity;
}

function inert(severity: Severity, group: string, ...kinds: readonly string[]): InertKind[] {
  return kinds.map((kind) => ({ kind, group, severity }));
}

export const inertKinds: readonly InertKind[] = [
  ...inert(
    "warning",
    "gateway.networking.k8s.io",
    "Gateway",
    "GatewayClass",
    "HTTPRoute",
    "GRPCRoute",
    "TCPRoute",
    "TLSRoute",
    "UDPRoute",
    "ReferenceGrant",
    "BackendTLSPolicy",
    "ListenerSet",
  ),
  ...inert("warning", "networking.k8s.io", "Ingress", "NetworkPolicy"),
  ...inert("warning", "batch", "CronJob"),
  ...inert("warning", "", "Endpoints", "ReplicationController"),
  ...inert("info", "networking.k8s.io", "IngressClass", "IPAddress", "ServiceCIDR"),
  ...inert("info", "autoscaling", "HorizontalPodAutoscaler"),
  ...inert("info", "autoscaling.k8s.io", "VerticalPodAutoscaler"),
  ...inert("info", "policy", "PodDisruptionBudget"),
  ...inert("info", "apiextensions.k8s.io", "CustomResourceDefinition"),
  ...inert("info", "apiregistration.k8s.io", "APIService"),
  ...inert(
    "info",
    "admissionregistration.k8s.io",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
  ),
  ...inert(
    "info",
    "storage.k8s.io",
    "StorageClass",
    "VolumeAttachment",
    "CSIDriver",
    "CSINode",
    "CSIStorageCapacity",
  ),
  ...inert("info", "scheduling.k8s.io", "PriorityClass"),
  ...inert("info", "node.k8s.io", "RuntimeClass"),
  ...inert("info", "coordination.k8s.io", "Lease"),
  ...inert("info", "certificates.k8s.io", "CertificateSigningRequest", "ClusterTrustBundle"),
  ...inert("info", "events.k8s.io", "Event"),
  ...inert("info", "flowcontrol.apiserver.k8s.io", "FlowSchema", "PriorityLevelConfiguration"),
  ...inert("info", "apps", "ControllerRevision"),
  ...inert(
    "info",
    "",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "ResourceQuota",
    "LimitRange",
    "PodTemplate",
    "Event",
    "Binding",
    "ComponentStatus",
  ),
  ...inert("info", "monitoring.coreos.com", "ServiceMonitor", "PodMonitor", "PrometheusRule"),
  ...inert("info", "kustomize.config.k8s.io", "Kustomization"),
];

/** Any version of the kind counts. */
export function findInertKind(apiVersion: string, kind: string): InertKind | undefined {
  const slash = apiVersion.indexOf("/");
  const group = slash === -1 ? "" : apiVersion.slice(0, slash);
  return inertKinds.find((known) => known.kind === kind && known.group === group);
}
