// Pod: one instance of a workload.

import type { ObjectOf } from "../define-kind.ts";
import { defineKind } from "../define-kind.ts";
import type { TypeOf } from "../schema.ts";
import { anything, flag, int32, int64, list, map, message, text, timestamp } from "../schema.ts";
import { podSpec } from "./pod-spec.ts";
import { podRules } from "./rules.ts";

const condition = message(
  {
    lastProbeTime: anything(),
    lastTransitionTime: timestamp(),
    message: text(),
    observedGeneration: int64(),
    reason: text(),
  },
  { required: { type: text(), status: text() } },
);

export const containerStatus = message(
  {
    allocatedResources: anything(),
    allocatedResourcesStatus: anything(),
    containerID: text(),
    image: text(),
    imageID: text(),
    lastState: anything(),
    ready: flag(),
    resources: anything(),
    restartCount: int32(),
    started: flag(),
    state: anything(),
    stopSignal: text(),
    user: anything(),
    volumeMounts: anything(),
  },
  { required: { name: text() } },
);

export const podStatus = message({
  allocatedResources: anything(),
  conditions: list(condition),
  containerStatuses: list(containerStatus),
  ephemeralContainerStatuses: list(containerStatus),
  extendedResourceClaimStatus: anything(),
  hostIP: text(),
  hostIPs: list(map(text())),
  initContainerStatuses: list(containerStatus),
  message: text(),
  nominatedNodeName: text(),
  observedGeneration: int64(),
  phase: text(),
  podIP: text(),
  podIPs: list(map(text())),
  qosClass: text(),
  reason: text(),
  resize: text(),
  resourceClaimStatuses: anything(),
  resources: anything(),
  startTime: timestamp(),
});

export const podKind = defineKind({
  kind: "Pod",
  group: "",
  versions: { served: ["v1"], storage: "v1" },
  plural: "pods",
  shortNames: ["po"],
  scope: "Namespaced",
  roles: ["modeled", "endpoints", "followed", "names-secrets"],
  fields: { status: podStatus },
  requiredFields: { spec: podSpec },
  references: [{ path: "spec.serviceAccountName", kind: "ServiceAccount" }],
  columns: [
    { title: "Status", path: "status.phase" },
    { title: "IP", path: "status.podIP" },
  ],
  rules: [podRules],
});

export type Pod = ObjectOf<typeof podKind>;
export type PodStatus = TypeOf<typeof podStatus>;
export type PodCondition = TypeOf<typeof condition>;
export type ContainerStatus = TypeOf<typeof containerStatus>;
