// What an installation can be told, and the profiles: named choices to begin with. All objects derive from this alone.

import type { MeshConfigSpec } from "../kinds/mesh-config/mesh-config-spec.ts";
import type { ResourceRequirements } from "../kinds/pod/container.ts";
import { defaultGateway, type GatewaySettings, type imagePullPolicies } from "./gateway-settings.ts";
import { anywhere, type PodPlacement } from "./pod-placement.ts";

/** Its placement is that of the control plane's pods. */
export interface InstallSettings extends PodPlacement {
  /** The control plane's own. */
  readonly namespace: string;
  /** `default`, or the name of this control plane where several share a cluster. */
  readonly revision: string;
  /** Where images come from: `HUB/control-plane:TAG`. */
  readonly hub: string;
  readonly tag: string;
  readonly imagePullPolicy: (typeof imagePullPolicies)[number];
  /** Of the control plane; the fewest, where it scales by itself. */
  readonly replicas: number;
  readonly maxReplicas: number;
  readonly hasAutoscaler: boolean;
  readonly hasNetworkPolicies: boolean;
  /** Where the API server reaches the webhooks from; from anywhere where there is none. */
  readonly webhookCidrs: readonly string[];
  /** The DaemonSet that sets up interception, so that pods need no capability. */
  readonly hasCni: boolean;
  /** What becomes of pods that started before it. */
  readonly cniRepair: CniRepair;
  /** Where the nodes' runtime looks for plugins' programs and for configurations; absolute. */
  readonly cniBinDir: string;
  readonly cniConfDir: string;
  readonly hasGateway: boolean;
  readonly gateway: GatewaySettings;
  /** The kinds are defined too, unless another mesh has defined them. */
  readonly hasDefinitions: boolean;
  readonly controlPlaneResources: ResourceRequirements;
  readonly meshConfig: MeshConfigSpec;
}

/** Capture it where it is; let its controller make another; mark it for somebody else; nothing. */
export const cniRepairs = ["repair", "delete", "label", "none"] as const;
export type CniRepair = (typeof cniRepairs)[number];

export const profileNames = ["default", "minimal", "demo", "cni"] as const;
export type ProfileName = (typeof profileNames)[number];

export const DEFAULT_NAMESPACE = "meltemi-system";

export const CNI_NAMESPACE = "meltemi-cni";

const defaults: Omit<InstallSettings, "tag"> = {
  ...anywhere,
  namespace: DEFAULT_NAMESPACE,
  revision: "default",
  hub: "meltemi",
  imagePullPolicy: "IfNotPresent",
  replicas: 2,
  maxReplicas: 5,
  hasAutoscaler: true,
  hasNetworkPolicies: true,
  webhookCidrs: [],
  hasCni: false,
  cniRepair: "repair",
  cniBinDir: "/opt/cni/bin",
  cniConfDir: "/etc/cni/net.d",
  hasGateway: true,
  gateway: defaultGateway,
  hasDefinitions: true,
  controlPlaneResources: {
    requests: { cpu: "250m", memory: "256Mi" },
    // No limit of CPU: a throttled control plane is late for every proxy at once.
    limits: { memory: "2Gi" },
  },
  meshConfig: {},
};

const profiles: Readonly<Record<ProfileName, Partial<InstallSettings>>> = {
  default: {},
  minimal: { hasGateway: false },
  demo: {
    replicas: 1,
    gateway: { ...defaultGateway, replicas: 1 },
    maxReplicas: 1,
    hasAutoscaler: false,
    controlPlaneResources: { requests: { cpu: "10m", memory: "128Mi" }, limits: { memory: "1Gi" } },
    meshConfig: { accessLogFile: "/dev/stdout" },
  },
  cni: { hasCni: true },
};

/** `tag` is this program's own version. */
export function profileSettings(profile: ProfileName, tag: string): InstallSettings {
  return { ...defaults, tag, ...profiles[profile] };
}
