// What injection is told besides the pod: by the mesh's configuration and by the place it runs in.

import type { LabelSelector } from "../core/label-selector.ts";
import type { MeshConfigSpec } from "../kinds/mesh-config/mesh-config.ts";
import type { ResourceRequirements } from "../kinds/pod/container.ts";

export interface InjectionSettings {
  readonly meshConfig: MeshConfigSpec;
  /** `default`, or the name of this control plane where several share a cluster. */
  readonly revision: string;
  readonly images: { readonly proxy: string; readonly init: string };
  /** Where the control plane serves xDS and signs certificates. */
  readonly controlPlaneAddress: string;
  readonly clusterId: string;
  /** Empty: the one network. */
  readonly network: string;
  readonly clusterDomain: string;
  readonly proxyResources: ResourceRequirements;
  /** Sidecars as restartable init containers; the annotation `sidecar.istio.io/nativeSidecar` overrides it. */
  readonly usesNativeSidecars: boolean;
  /** Who sets up interception: the `istio-init` container, or a CNI plugin before any container starts. */
  readonly capture: "init" | "cni";
  /** What a pod in a namespace that says nothing gets. */
  readonly isEnabledByDefault: boolean;
  readonly neverInject: readonly LabelSelector[];
  readonly alwaysInject: readonly LabelSelector[];
  readonly ignoredNamespaces: readonly string[];
}

export const defaultInjectionSettings: InjectionSettings = {
  meshConfig: {},
  revision: "default",
  // Without a tag: whoever injects knows which version's pods it makes.
  images: agentImages("meltemi/agent"),
  controlPlaneAddress: "meltemi.meltemi-system.svc:15012",
  clusterId: "Kubernetes",
  network: "",
  clusterDomain: "cluster.local",
  proxyResources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { cpu: "2", memory: "1Gi" } },
  usesNativeSidecars: false,
  capture: "init",
  isEnabledByDefault: false,
  neverInject: [],
  alwaysInject: [],
  ignoredNamespaces: ["kube-system", "kube-public", "kube-node-lease", "local-path-storage"],
};

/** Both containers run the one program. */
export function agentImages(image: string): InjectionSettings["images"] {
  return { proxy: image, init: image };
}

/** Names that Istio's users, tools and policies look for. */
export const containerNames = {
  proxy: "istio-proxy",
  init: "istio-init",
  validation: "istio-validation",
} as const;
