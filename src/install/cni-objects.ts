// The CNI plugin: a DaemonSet that puts a small program on each node, which kubelet runs for every pod, and that sets
// up interception when the program asks. It has a namespace of its own, as the control plane's allows no such pods.

import type { InstallMetadata, InstallObject } from "./install-object.ts";
import type { CniRepair } from "./install-settings.ts";
import { CNI_NAMESPACE } from "./install-settings.ts";
import type { Installation } from "./object-names.ts";
import { image, installedLabels } from "./object-names.ts";
import { pullSecretFields } from "./pod-placement.ts";

const NAME = "meltemi-cni";
const RBAC = "rbac.authorization.k8s.io";

export function cniNamespace(): InstallObject {
  const labels = {
    ...installedLabels,
    "pod-security.kubernetes.io/enforce": "privileged",
  };
  return { apiVersion: "v1", kind: "Namespace", metadata: { name: CNI_NAMESPACE, labels } };
}

export function cniObjects(installation: Installation): InstallObject[] {
  const own = metadataOf(CNI_NAMESPACE);
  const cluster = metadataOf();
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: own },
    {
      apiVersion: `${RBAC}/v1`,
      kind: "ClusterRole",
      metadata: cluster,
      rules: [
        { apiGroups: [""], resources: ["pods"], verbs: podVerbs[installation.cniRepair] },
        { apiGroups: [""], resources: ["namespaces"], verbs: ["list", "watch"] },
        // At its end it looks whether the DaemonSet is being removed, or only this pod of it. Not by a Role, which would
        // go before it where the whole namespace is deleted.
        { apiGroups: [""], resources: ["namespaces"], verbs: ["get"], resourceNames: [CNI_NAMESPACE] },
        { apiGroups: ["apps"], resources: ["daemonsets"], verbs: ["get"], resourceNames: [NAME] },
      ],
    },
    {
      apiVersion: `${RBAC}/v1`,
      kind: "ClusterRoleBinding",
      metadata: cluster,
      roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: NAME },
      subjects: [{ kind: "ServiceAccount", name: NAME, namespace: CNI_NAMESPACE }],
    },
    daemonSet(installation, own),
  ];
}

/** Repair in place happens on the node: the API server has no part in it. */
const podVerbs: Readonly<Record<CniRepair, readonly string[]>> = {
  repair: ["get", "list"],
  delete: ["get", "list", "delete"],
  label: ["get", "list", "patch"],
  none: ["get"],
};

// One for all revisions: a node has one chain of plugins.
function metadataOf(namespace?: string): InstallMetadata {
  const labels = { "app.kubernetes.io/name": NAME, ...installedLabels };
  return { name: NAME, ...(namespace === undefined ? {} : { namespace }), labels };
}

function daemonSet(installation: Installation, metadata: InstallMetadata): InstallObject {
  const matchLabels = { "app.kubernetes.io/name": NAME };
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata,
    spec: {
      selector: { matchLabels },
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1 } },
      template: {
        metadata: { labels: { ...metadata.labels, "sidecar.istio.io/inject": "false" } },
        spec: podSpec(installation),
      },
    },
  };
}

const STATE_FOLDER = "/var/lib/meltemi-cni";
const NAMESPACES_FOLDER = "/var/run/netns";
const HEALTH_PORT = 15031;

// What of the node the plugin sees. The program that kubelet runs reads the path of the socket, so the state folder is
// the same on both sides, as are the paths of the network namespaces, which the runtime tells.
function hostFolders({ cniBinDir, cniConfDir }: Installation) {
  return [
    { name: "programs", path: cniBinDir, mountPath: "/host/opt/cni/bin" },
    { name: "configurations", path: cniConfDir, mountPath: "/host/etc/cni/net.d" },
    { name: "state", path: STATE_FOLDER, mountPath: STATE_FOLDER },
    { name: "network-namespaces", path: NAMESPACES_FOLDER, mountPath: NAMESPACES_FOLDER },
  ];
}

function podSpec(installation: Installation) {
  return {
    serviceAccountName: NAME,
    ...pullSecretFields(installation.imagePullSecrets),
    // Else starting it would need the plugin that it is.
    hostNetwork: true,
    dnsPolicy: "ClusterFirstWithHostNet",
    nodeSelector: { "kubernetes.io/os": "linux" },
    priorityClassName: "system-node-critical",
    tolerations: [{ operator: "Exists" }],
    securityContext: { seccompProfile: { type: "RuntimeDefault" } },
    terminationGracePeriodSeconds: 10,
    containers: [container(installation)],
    volumes: hostFolders(installation).map(({ name, path }) => ({
      name,
      hostPath: { path, type: "DirectoryOrCreate" },
    })),
  };
}

function container(installation: Installation) {
  return {
    name: "install-cni",
    image: image(installation, "cni"),
    imagePullPolicy: installation.imagePullPolicy,
    env: environment(installation),
    readinessProbe: { httpGet: healthCheck("/readyz"), periodSeconds: 5 },
    livenessProbe: { httpGet: healthCheck("/healthz"), periodSeconds: 10, failureThreshold: 6 },
    resources: { requests: { cpu: "50m", memory: "64Mi" } },
    securityContext: {
      runAsUser: 0,
      runAsGroup: 0,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      // To enter a pod's network namespace (SYS_ADMIN) and write rules there; NET_RAW is for legacy iptables.
      capabilities: { drop: ["ALL"], add: ["NET_ADMIN", "NET_RAW", "SYS_ADMIN"] },
    },
    volumeMounts: hostFolders(installation).map(({ name, mountPath }) => ({
      name,
      mountPath,
      ...(name === "network-namespaces" ? { mountPropagation: "HostToContainer" } : {}),
    })),
  };
}

/** It listens on the node's loopback: its network is the node's. */
function healthCheck(path: string) {
  return { host: "127.0.0.1", path, port: HEALTH_PORT };
}

function environment({ cniRepair, namespace }: Installation) {
  const fromField = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  const excluded = ["kube-system", "kube-public", "kube-node-lease", namespace];
  return [
    fromField("NODE_NAME", "spec.nodeName"),
    fromField("POD_NAMESPACE", "metadata.namespace"),
    { name: "EXCLUDED_NAMESPACES", value: excluded.join(",") },
    { name: "REPAIR_MODE", value: cniRepair },
    { name: "STATE_DIRECTORY", value: STATE_FOLDER },
    { name: "SHIM_PATH", value: "/opt/cni/bin/meltemi-cni" },
    { name: "HEALTH_PORT", value: String(HEALTH_PORT) },
  ];
}
