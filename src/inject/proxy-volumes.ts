// The volumes of a pod's proxy and where it mounts them; names and paths are Istio's.

import type { VolumeMount } from "../kinds/pod/container.ts";
import type { Volume } from "../kinds/pod/volume.ts";
import type { SidecarPlan } from "./sidecar-plan.ts";

interface ProxyVolume {
  readonly volume: Volume;
  readonly mountPath: string;
}

/** Half a day: the agent reads the file anew for each certificate, and kubelet renews it at 80 %. */
const TOKEN_LIFETIME_SECONDS = 43_200;

const proxyVolumes: readonly ProxyVolume[] = [
  { volume: { name: "workload-socket", emptyDir: {} }, mountPath: "/var/run/secrets/workload-spiffe-uds" },
  { volume: { name: "credential-socket", emptyDir: {} }, mountPath: "/var/run/secrets/credential-uds" },
  {
    volume: { name: "workload-certs", emptyDir: {} },
    mountPath: "/var/run/secrets/workload-spiffe-credentials",
  },
  { volume: { name: "istio-envoy", emptyDir: { medium: "Memory" } }, mountPath: "/etc/istio/proxy" },
  { volume: { name: "istio-data", emptyDir: {} }, mountPath: "/var/lib/istio/data" },
  {
    volume: {
      name: "istio-podinfo",
      downwardAPI: {
        items: [
          { path: "labels", fieldRef: { fieldPath: "metadata.labels" } },
          { path: "annotations", fieldRef: { fieldPath: "metadata.annotations" } },
        ],
      },
    },
    mountPath: "/etc/istio/pod",
  },
  {
    volume: {
      name: "istio-token",
      projected: {
        sources: [
          {
            serviceAccountToken: {
              audience: "istio-ca",
              expirationSeconds: TOKEN_LIFETIME_SECONDS,
              path: "istio-token",
            },
          },
        ],
      },
    },
    mountPath: "/var/run/secrets/tokens",
  },
  {
    volume: { name: "istiod-ca-cert", configMap: { name: "istio-ca-root-cert" } },
    mountPath: "/var/run/secrets/istio",
  },
];

/** Names of the volumes that serve the agent itself. */
export const agentVolumes: ReadonlySet<string> = new Set(proxyVolumes.map(({ volume }) => volume.name));

const BOOTSTRAP_OVERRIDE_VOLUME = "custom-bootstrap-volume";
const BOOTSTRAP_OVERRIDE_DIRECTORY = "/etc/istio/custom-bootstrap";
export const BOOTSTRAP_OVERRIDE_FILE = `${BOOTSTRAP_OVERRIDE_DIRECTORY}/custom_bootstrap.json`;

export function volumesOfProxy({ annotations }: SidecarPlan): Volume[] {
  const { bootstrapOverride, userVolumes = [] } = annotations;
  return [
    ...proxyVolumes.map(({ volume }) => volume),
    ...(bootstrapOverride === undefined
      ? []
      : [{ name: BOOTSTRAP_OVERRIDE_VOLUME, configMap: { name: bootstrapOverride } }]),
    ...userVolumes,
  ];
}

export function mountsOfProxy({ annotations }: SidecarPlan): VolumeMount[] {
  const { bootstrapOverride, userMounts = [] } = annotations;
  return [
    ...proxyVolumes.map(({ volume, mountPath }) => ({ name: volume.name, mountPath })),
    ...(bootstrapOverride === undefined
      ? []
      : [{ name: BOOTSTRAP_OVERRIDE_VOLUME, mountPath: BOOTSTRAP_OVERRIDE_DIRECTORY, readOnly: true }]),
    ...userMounts,
  ];
}
