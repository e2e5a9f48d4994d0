// What injection is told besides the pod: by the mesh's configuration and by the place it runs in.

import type { LabelSelector } from "../core/label-selector.ts";
import { OWN_CLUSTER } from "../core/workload-description.ts";
import type { MeshConfigSpec } from "../kinds/mesh-config/mesh-config-spec.ts";
import type { ResourceRequirements } from "../kinds/pod/container.ts";
import type { ContainerSecurityContext } from "../kinds/pod/security-context.ts";
import type { InjectionTemplates } from "./injection-templates.ts";
import { noTemplates } from "./injection-templates.ts";
import type { ProxyIds } from "./proxy-ids.ts";
import { defaultProxyIds } from "./proxy-ids.ts";

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
  readonly proxyIds: ProxyIds;
  /** Of every container that injection adds; undefined: kubelet's default. */
  readonly imagePullPolicy: string | undefined;
  /** Names of Secrets in the pod's own namespace, beside those that it names itself. */
  readonly imagePullSecrets: readonly string[];
  /** Of the proxy; undefined: the pod's own. */
  readonly seccompProfile: ContainerSecurityContext["seccompProfile"] | undefined;
  /** What a pod's annotations override. */
  readonly logLevels: { readonly proxy: string; readonly components: string; readonly agent: string };
  readonly readiness: ReadinessTiming;
  /** Values of the capture annotations for pods that don't have them: `includeOutboundIPRanges` and its like. */
  readonly captureDefaults: Readonly<Record<string, string>>;
  readonly rewritesProbes: boolean;
  /** What the agent of every proxy finds in its environment besides. */
  readonly environment: Readonly<Record<string, string>>;
  readonly templates: InjectionTemplates;
  /** On every injected pod that doesn't have them. */
  readonly injectedAnnotations: Readonly<Record<string, string>>;
  /** Sidecars as restartable init containers; the annotation `sidecar.istio.io/nativeSidecar` overrides it. */
  readonly usesNativeSidecars: boolean;
  /** False: some node would wait for ever for such a container to end, so the annotation has no effect. */
  readonly supportsNativeSidecars: boolean;
  /** Who sets up interception: the `istio-init` container, or a CNI plugin before any container starts. */
  readonly capture: "init" | "cni";
  /** What a pod in a namespace that says nothing gets. */
  readonly isEnabledByDefault: boolean;
  /** Pods that nothing else decides about get a sidecar only if they ask. */
  readonly isOptIn: boolean;
  readonly neverInject: readonly LabelSelector[];
  readonly alwaysInject: readonly LabelSelector[];
  readonly ignoredNamespaces: readonly string[];
}

export interface ReadinessTiming {
  readonly initialDelaySeconds: number;
  readonly periodSeconds: number;
  readonly failureThreshold: number;
}

export const defaultInjectionSettings: InjectionSettings = {
  meshConfig: {},
  revision: "default",
  // Without a tag: whoever injects knows which version's pods it makes.
  images: agentImages("meltemi/agent"),
  controlPlaneAddress: "meltemi.meltemi-system.svc:15012",
  clusterId: OWN_CLUSTER,
  network: "",
  clusterDomain: "cluster.local",
  proxyResources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { cpu: "2", memory: "1Gi" } },
  proxyIds: defaultProxyIds,
  imagePullPolicy: undefined,
  imagePullSecrets: [],
  // Namespaces of the level `restricted` admit no pod without one.
  seccompProfile: { type: "RuntimeDefault" },
  logLevels: { proxy: "warning", components: "misc:error", agent: "default:info" },
  readiness: { initialDelaySeconds: 0, periodSeconds: 15, failureThreshold: 4 },
  captureDefaults: {},
  rewritesProbes: true,
  environment: {},
  templates: noTemplates,
  injectedAnnotations: {},
  usesNativeSidecars: false,
  supportsNativeSidecars: true,
  capture: "init",
  isEnabledByDefault: false,
  isOptIn: false,
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
