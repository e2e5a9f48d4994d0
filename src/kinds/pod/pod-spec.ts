// What a pod is made of, and the template of it that workloads hold.

import { objectMeta } from "../object-meta.ts";
import type { TypeOf } from "../schema.ts";
import { choice, flag, int32, integer, list, map, message, quantity, text, uint64 } from "../schema.ts";
import { container, ephemeralContainer, resourceRequirements } from "./container.ts";
import { affinity, toleration, topologySpreadConstraint } from "./scheduling.ts";
import { podSecurityContext } from "./security-context.ts";
import { volume } from "./volume.ts";

const dnsOption = message({ name: text(), value: text() });
const dnsConfig = message({ nameservers: list(text()), searches: list(text()), options: list(dnsOption) });
const hostAlias = message({ hostnames: list(text()) }, { required: { ip: text() } });
const localObjectReference = message({ name: text() });
const resourceClaim = message(
  { resourceClaimName: text(), resourceClaimTemplateName: text() },
  { required: { name: text() } },
);
const workloadReference = message(
  { podGroupReplicaKey: text() },
  { required: { name: text(), podGroup: text() } },
);

export const podSpec = message(
  {
    activeDeadlineSeconds: integer(1, 2 ** 31 - 1),
    affinity,
    automountServiceAccountToken: flag(),
    dnsConfig,
    dnsPolicy: choice("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
    enableServiceLinks: flag(),
    ephemeralContainers: list(ephemeralContainer),
    hostAliases: list(hostAlias),
    hostIPC: flag(),
    hostNetwork: flag(),
    hostPID: flag(),
    hostUsers: flag(),
    hostname: text(),
    hostnameOverride: text(),
    imagePullSecrets: list(localObjectReference),
    initContainers: list(container),
    nodeName: text(),
    nodeSelector: map(text()),
    os: message({}, { required: { name: text() } }),
    overhead: map(quantity()),
    preemptionPolicy: text(),
    priority: int32(),
    priorityClassName: text(),
    readinessGates: list(message({}, { required: { conditionType: text() } })),
    resourceClaims: list(resourceClaim),
    resources: resourceRequirements,
    restartPolicy: choice("Always", "OnFailure", "Never"),
    runtimeClassName: text(),
    schedulerName: text(),
    schedulingGates: list(message({}, { required: { name: text() } })),
    securityContext: podSecurityContext,
    serviceAccount: text(),
    serviceAccountName: text(),
    setHostnameAsFQDN: flag(),
    shareProcessNamespace: flag(),
    subdomain: text(),
    terminationGracePeriodSeconds: uint64(),
    tolerations: list(toleration),
    topologySpreadConstraints: list(topologySpreadConstraint),
    volumes: list(volume),
    workloadRef: workloadReference,
  },
  { required: { containers: list(container) } },
);

export const podTemplate = message({ metadata: objectMeta }, { required: { spec: podSpec } });

export type PodSpec = TypeOf<typeof podSpec>;
export type PodTemplate = TypeOf<typeof podTemplate>;
