// Fields that have no effect and whose setting needs no warning, since nothing differs from what the user
// expects of them here. Everything else without effect is in src/kinds/unimplemented-fields.ts.

import type { ExcusedField } from "./check-fields.ts";

function ignored(reason: string, ...fields: readonly string[]): ExcusedField[] {
  return fields.map((field) => ({ field, reason }));
}

export const ignoredFields: readonly ExcusedField[] = [
  ...ignored("Kubernetes' own machinery reads it", "Namespace.spec", "Node.spec", "Job.spec.manualSelector"),
  ...ignored("no image is pulled here", "ServiceAccount.imagePullSecrets", "Pod.spec.imagePullSecrets"),
  ...ignored("no image is pulled here", "Pod.spec.containers[].imagePullPolicy"),
  ...ignored("tokens are made on demand", "ServiceAccount.secrets"),
  ...ignored("Kubernetes' API server enforces it", "ConfigMap.immutable", "Secret.immutable", "Secret.type"),
  ...ignored(
    "there are no cloud load balancers and no nodes' ports here; gateways listen on the machine itself",
    ...[
      "allocateLoadBalancerNodePorts",
      "externalTrafficPolicy",
      "healthCheckNodePort",
      "loadBalancerClass",
    ].map((name) => `Service.spec.${name}`),
    ...["loadBalancerIP", "loadBalancerSourceRanges", "ports[].nodePort"].map(
      (name) => `Service.spec.${name}`,
    ),
  ),
  ...ignored("Istio makes no use of it: a server's name is for people", "Gateway.spec.servers[].name"),
  ...ignored(
    "roles are read for one right alone, to Secrets, which are no URLs",
    ...["Role", "ClusterRole"].map((kind) => `${kind}.rules[].nonResourceURLs`),
  ),
  ...ignored("Kubernetes deprecated it", "EndpointSlice.endpoints[].deprecatedTopology"),
  ...ignored("it is Kubernetes' hint to kube-proxy", "EndpointSlice.endpoints[].hints"),
  ...ignored(
    "a Service's own port says it",
    ...["appProtocol", "protocol"].map((name) => `EndpointSlice.ports[].${name}`),
  ),
  ...ignored(
    "a pod is found by its namespace and name",
    ...["apiVersion", "fieldPath", "resourceVersion", "uid"].map(
      (name) => `EndpointSlice.endpoints[].targetRef.${name}`,
    ),
  ),
  ...ignored(
    "Pod has one version",
    "Pod.spec.containers[].env[].valueFrom.fieldRef.apiVersion",
    "Pod.spec.volumes[].downwardAPI.items[].fieldRef.apiVersion",
    "Pod.spec.volumes[].projected.sources[].downwardAPI.items[].fieldRef.apiVersion",
  ),
  ...ignored("a DaemonSet is one pod here", "DaemonSet.spec.updateStrategy.rollingUpdate.maxUnavailable"),
  ...ignored(
    "all pods are on one machine",
    ...["affinity", "nodeSelector", "overhead", "preemptionPolicy", "priority", "priorityClassName"].map(
      (name) => `Pod.spec.${name}`,
    ),
    ...[
      "resourceClaims",
      "runtimeClassName",
      "schedulerName",
      "tolerations",
      "topologySpreadConstraints",
    ].map((name) => `Pod.spec.${name}`),
    ...["os", "workloadRef", "resources"].map((name) => `Pod.spec.${name}`),
  ),
  ...ignored(
    "processes aren't limited here; the downward API shows the figures",
    "Pod.spec.containers[].resources",
    "Pod.spec.containers[].resizePolicy",
  ),
  ...ignored("disks aren't limited here", "Pod.spec.volumes[].emptyDir"),
  ...ignored(
    "`meltemi get` and `meltemi logs` show how a container ended",
    "Pod.spec.containers[].terminationMessagePath",
    "Pod.spec.containers[].terminationMessagePolicy",
  ),
  ...ignored(
    "old revisions aren't kept: the files are the history",
    ...["Deployment", "StatefulSet", "DaemonSet"].map((kind) => `${kind}.spec.revisionHistoryLimit`),
  ),
  ...ignored(
    "a workload knows the pods that it made",
    ...["Deployment", "StatefulSet", "DaemonSet", "Job"].map((kind) => `${kind}.spec.selector`),
  ),
  ...ignored("`meltemi get` shows progress as it is", "Deployment.spec.progressDeadlineSeconds"),
  ...ignored("a finished Job stays until its file goes", "Job.spec.ttlSecondsAfterFinished"),
  ...ignored("claims are kept", "StatefulSet.spec.persistentVolumeClaimRetentionPolicy"),
];
