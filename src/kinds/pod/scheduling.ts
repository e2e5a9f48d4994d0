// Where a pod may run. There is one machine in local mode, so these have an effect on Kubernetes only.

import { choice, int32, int64, list, message, text } from "../schema.ts";
import { labelSelector } from "../workload-selector.ts";

const nodeRequirement = message(
  { values: list(text()) },
  { required: { key: text(), operator: choice("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt") } },
);
const nodeSelectorTerm = message({
  matchExpressions: list(nodeRequirement),
  matchFields: list(nodeRequirement),
});
const nodeSelector = message({}, { required: { nodeSelectorTerms: list(nodeSelectorTerm) } });
const preferredTerm = message({}, { required: { weight: int32(), preference: nodeSelectorTerm } });

const podAffinityTerm = message(
  {
    labelSelector,
    namespaceSelector: labelSelector,
    namespaces: list(text()),
    matchLabelKeys: list(text()),
    mismatchLabelKeys: list(text()),
  },
  { required: { topologyKey: text() } },
);
const weightedPodAffinityTerm = message({}, { required: { weight: int32(), podAffinityTerm } });
const podAffinity = message({
  requiredDuringSchedulingIgnoredDuringExecution: list(podAffinityTerm),
  preferredDuringSchedulingIgnoredDuringExecution: list(weightedPodAffinityTerm),
});

export const affinity = message({
  nodeAffinity: message({
    requiredDuringSchedulingIgnoredDuringExecution: nodeSelector,
    preferredDuringSchedulingIgnoredDuringExecution: list(preferredTerm),
  }),
  podAffinity,
  podAntiAffinity: podAffinity,
});

export const toleration = message({
  key: text(),
  operator: choice("Exists", "Equal", "Lt", "Gt"),
  value: text(),
  effect: text(),
  tolerationSeconds: int64(),
});

export const topologySpreadConstraint = message(
  {
    labelSelector,
    matchLabelKeys: list(text()),
    minDomains: int32(),
    nodeAffinityPolicy: text(),
    nodeTaintsPolicy: text(),
  },
  {
    required: {
      maxSkew: int32(),
      topologyKey: text(),
      whenUnsatisfiable: choice("DoNotSchedule", "ScheduleAnyway"),
    },
  },
);
