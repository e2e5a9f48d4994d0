// The ingress gateway: a pod that injection makes a gateway of, in a namespace of its own, since injection passes
// over the control plane's. Its labels are those that Istio's users select in their Gateways.

import type { InstallMetadata, InstallObject } from "./install-object.ts";
import { GATEWAY_NAMESPACE } from "./install-settings.ts";
import type { Installation } from "./object-names.ts";
import { installedLabels, REVISION_LABEL } from "./object-names.ts";

const NAME = "istio-ingressgateway";
const selector = { app: NAME, istio: "ingressgateway" };

export function gatewayNamespace(): InstallObject {
  const labels = {
    ...installedLabels,
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/warn": "restricted",
  };
  return { apiVersion: "v1", kind: "Namespace", metadata: { name: GATEWAY_NAMESPACE, labels } };
}

export function gatewayObjects(installation: Installation): InstallObject[] {
  const metadata: InstallMetadata = {
    name: NAME,
    namespace: GATEWAY_NAMESPACE,
    labels: { ...selector, ...installedLabels },
  };
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    ...secretRights(metadata),
    service(metadata),
    deployment(installation, metadata),
    {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata,
      spec: { maxUnavailable: 1, selector: { matchLabels: selector } },
    },
  ];
}

/** Certificates of its servers are served to a gateway that may read them itself. */
function secretRights(metadata: InstallMetadata): InstallObject[] {
  const { name, namespace } = metadata;
  const group = "rbac.authorization.k8s.io";
  return [
    {
      apiVersion: `${group}/v1`,
      kind: "Role",
      metadata,
      rules: [{ apiGroups: [""], resources: ["secrets"], verbs: ["get", "list", "watch"] }],
    },
    {
      apiVersion: `${group}/v1`,
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: group, kind: "Role", name },
      subjects: [{ kind: "ServiceAccount", name, namespace }],
    },
  ];
}

function service(metadata: InstallMetadata): InstallObject {
  const port = (name: string, number: number, targetPort: number) => ({
    name,
    port: number,
    protocol: "TCP",
    targetPort,
  });
  const ports = [port("status-port", 15021, 15021), port("http2", 80, 8080), port("https", 443, 8443)];
  return { apiVersion: "v1", kind: "Service", metadata, spec: { type: "LoadBalancer", selector, ports } };
}

function deployment(
  { imagePullPolicy, replicas, revision }: Installation,
  metadata: InstallMetadata,
): InstallObject {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata,
    spec: {
      replicas,
      selector: { matchLabels: selector },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: {
        metadata: {
          annotations: { "inject.istio.io/templates": "gateway" },
          labels: { ...selector, "sidecar.istio.io/inject": "true", [REVISION_LABEL]: revision },
        },
        spec: podSpec(imagePullPolicy),
      },
    },
  };
}

function podSpec(imagePullPolicy: Installation["imagePullPolicy"]) {
  return {
    serviceAccountName: NAME,
    nodeSelector: { "kubernetes.io/os": "linux" },
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
        labelSelector: { matchLabels: selector },
      },
    ],
    containers: [
      {
        name: "istio-proxy",
        // Injection puts the proxy's image here, so that it is the control plane's.
        image: "auto",
        // Else the API server takes "auto" for an image to be pulled anew each time, and that stays.
        imagePullPolicy,
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        },
      },
    ],
  };
}
