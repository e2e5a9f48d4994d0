// The ingress gateway: a pod that injection makes a gateway of, in a namespace of its own, since injection passes
// over the control plane's. Its labels are those that Istio's users select in their Gateways.

import type { PodSpec } from "../kinds/pod/pod-spec.ts";
import { GATEWAY_NAMESPACE, type GatewaySettings } from "./gateway-settings.ts";
import type { InstallMetadata, InstallObject } from "./install-object.ts";
import { installedLabels, REVISION_LABEL } from "./object-names.ts";
import { placementFields } from "./pod-placement.ts";

/** What a gateway is to be told of its control plane. */
export interface GatewayControl {
  readonly revision: string;
  /** Where control planes run. */
  readonly namespace: string;
  /** Of all its objects, beside those that are selected. */
  readonly labels: Readonly<Record<string, string>>;
}

export function gatewayNamespace(): InstallObject {
  const labels = {
    ...installedLabels,
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/warn": "restricted",
  };
  return { apiVersion: "v1", kind: "Namespace", metadata: { name: GATEWAY_NAMESPACE, labels } };
}

export function gatewayObjects(gateway: GatewaySettings, control: GatewayControl): InstallObject[] {
  const { name, namespace } = gateway;
  const metadata = { name, namespace, labels: { ...selectorOf(gateway), ...control.labels } };
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    ...secretRights(metadata),
    ...replacementRights(metadata, control),
    service(gateway, metadata),
    deployment(gateway, control, metadata),
    {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata,
      spec: { maxUnavailable: 1, selector: { matchLabels: selectorOf(gateway) } },
    },
  ];
}

/** As Istio's chart of a gateway labels its pods. */
function selectorOf({ name }: GatewaySettings): Readonly<Record<string, string>> {
  return { app: name, istio: name.replace(/^istio-/, "") };
}

const RBAC = "rbac.authorization.k8s.io";

/** Certificates of its servers are served to a gateway that may read them itself. */
function secretRights(metadata: InstallMetadata): InstallObject[] {
  const { name, namespace } = metadata;
  const rules = [{ apiGroups: [""], resources: ["secrets"], verbs: ["get", "list", "watch"] }];
  return roleWithBinding(metadata, rules, { kind: "ServiceAccount", name, namespace });
}

/**
 * A pod that was made before injection answered never gets its image. Whichever control plane it asked for deletes it, so
 * that another is made; nowhere else may a control plane delete pods.
 */
function replacementRights(metadata: InstallMetadata, { namespace }: GatewayControl): InstallObject[] {
  const rules = [{ apiGroups: [""], resources: ["pods"], verbs: ["delete"] }];
  const controlPlanes = { apiGroup: RBAC, kind: "Group", name: `system:serviceaccounts:${namespace}` };
  return roleWithBinding({ ...metadata, name: `${metadata.name}-replacement` }, rules, controlPlanes);
}

function roleWithBinding(
  metadata: InstallMetadata,
  rules: readonly object[],
  subject: object,
): InstallObject[] {
  const { name } = metadata;
  return [
    { apiVersion: `${RBAC}/v1`, kind: "Role", metadata, rules },
    {
      apiVersion: `${RBAC}/v1`,
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: RBAC, kind: "Role", name },
      subjects: [subject],
    },
  ];
}

function service(gateway: GatewaySettings, metadata: InstallMetadata): InstallObject {
  const { annotations = {}, ...spec } = gateway.service;
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: Object.keys(annotations).length === 0 ? metadata : { ...metadata, annotations },
    spec: { ...spec, selector: selectorOf(gateway) },
  };
}

function deployment(
  gateway: GatewaySettings,
  { revision }: GatewayControl,
  metadata: InstallMetadata,
): InstallObject {
  const selector = selectorOf(gateway);
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata,
    spec: {
      replicas: gateway.replicas,
      selector: { matchLabels: selector },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: {
        metadata: {
          annotations: { "inject.istio.io/templates": "gateway", ...gateway.podAnnotations },
          labels: { ...selector, "sidecar.istio.io/inject": "true", [REVISION_LABEL]: revision },
        },
        spec: podSpec(gateway),
      },
    },
  };
}

function podSpec(gateway: GatewaySettings): PodSpec {
  const { env, imagePullPolicy, name, resources } = gateway;
  return {
    serviceAccountName: name,
    ...placementFields(gateway),
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 1337,
      runAsGroup: 1337,
      seccompProfile: { type: "RuntimeDefault" },
    },
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "kubernetes.io/hostname",
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: selectorOf(gateway) },
      },
    ],
    containers: [
      {
        name: "istio-proxy",
        // Injection puts the proxy's image here, so that it is the control plane's.
        image: "auto",
        // Else the API server takes "auto" for an image to be pulled anew each time, and that stays.
        imagePullPolicy,
        ...(env.length > 0 && { env }),
        ...(Object.keys(resources).length > 0 && { resources }),
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        },
      },
    ],
  };
}
