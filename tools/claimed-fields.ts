// What is implemented outside of builders' features: which file deals with which fields. The check wants each
// file to exist and to mention the field, so that a claim can't outlive its code unnoticed.

export const claimedFieldsByFile: Readonly<Record<string, readonly string[]>> = {
  "src/local/workloads/environment.ts": [
    "ConfigMap.data.*",
    "Secret.data.*",
    "Secret.stringData.*",
    "Pod.spec.containers[].env[].name",
    "Pod.spec.containers[].env[].value",
    ...["configMapKeyRef", "secretKeyRef", "fieldRef", "resourceFieldRef"].map(
      (name) => `Pod.spec.containers[].env[].valueFrom.${name}.*`,
    ),
    "Pod.spec.containers[].envFrom[].*",
    "Pod.spec.enableServiceLinks",
  ],
  "src/local/workloads/volume-content.ts": [
    "ConfigMap.binaryData.*",
    ...["configMap", "secret", "downwardAPI", "hostPath", "persistentVolumeClaim"].map(
      (name) => `Pod.spec.volumes[].${name}.*`,
    ),
    "Pod.spec.volumes[].projected.defaultMode",
    ...["configMap", "secret", "downwardAPI", "serviceAccountToken"].map(
      (name) => `Pod.spec.volumes[].projected.sources[].${name}.*`,
    ),
    "Pod.spec.volumes[].name",
  ],
  "src/local/workloads/pod-volumes.ts": ["name", "mountPath", "readOnly", "subPath", "subPathExpr"].map(
    (name) => `Pod.spec.containers[].volumeMounts[].${name}`,
  ),
  "src/local/workloads/image-command.ts": [
    ...["name", "image", "command", "args"].map((name) => `Pod.spec.containers[].${name}`),
  ],
  "src/local/workloads/container-user.ts": [
    "Pod.spec.containers[].securityContext.runAsUser",
    "Pod.spec.containers[].securityContext.runAsGroup",
    "Pod.spec.securityContext.fsGroup",
    "Pod.spec.securityContext.runAsUser",
    "Pod.spec.securityContext.runAsGroup",
  ],
  "src/local/workloads/container-launch.ts": ["Pod.spec.containers[].workingDir", "Pod.spec.hostname"],
  "src/local/workloads/container-runner.ts": [
    "Pod.spec.containers[].readinessProbe.*",
    "Pod.spec.containers[].lifecycle.postStart.*",
    "Pod.spec.containers[].restartPolicy",
    "Pod.spec.restartPolicy",
  ],
  "src/local/workloads/pod-runner.ts": ["Pod.spec.terminationGracePeriodSeconds"],
  "src/local/workloads/implicit-objects.ts": ["Pod.spec.serviceAccountName"],
  "src/model/workloads.ts": ["Pod.spec.serviceAccount", "Pod.spec.nodeName"],
  "src/local/workloads/endpoint-slices.ts": [
    ...["name", "containerPort", "protocol"].map((name) => `Pod.spec.containers[].ports[].${name}`),
    "Pod.spec.subdomain",
    "EndpointSlice.addressType",
    ...["addresses", "conditions.*", "hostname", "nodeName", "targetRef.*"].map(
      (name) => `EndpointSlice.endpoints[].${name}`,
    ),
    "EndpointSlice.ports[].*",
  ],
  "src/model/endpoints.ts": ["EndpointSlice.endpoints[].zone"],
  "src/local/workloads/plan-deployment.ts": [
    ...["replicas", "minReadySeconds", "paused", "strategy"].map((name) => `Deployment.spec.${name}.*`),
    ...["replicas", "minReadySeconds"].map((name) => `ReplicaSet.spec.${name}`),
  ],
  "src/local/workloads/plan-stateful-set.ts": [
    ...[
      "replicas",
      "minReadySeconds",
      "ordinals",
      "podManagementPolicy",
      "serviceName",
      "updateStrategy",
    ].map((name) => `StatefulSet.spec.${name}.*`),
    "StatefulSet.spec.volumeClaimTemplates[].*",
  ],
  "src/local/workloads/plan-daemon-set.ts": ["minReadySeconds", "updateStrategy"].map(
    (name) => `DaemonSet.spec.${name}.*`,
  ),
  "src/local/workloads/plan-job.ts": [
    ...["activeDeadlineSeconds", "backoffLimit", "completions", "parallelism", "suspend"].map(
      (name) => `Job.spec.${name}`,
    ),
  ],
  "src/inject/proxy-environment.ts": ["proxyMetadata.*", "discoveryAddress", "meshId"].map(
    (name) => `MeshConfig.defaultConfig.${name}`,
  ),
  "src/inject/sidecar-plan.ts": ["interceptionMode", "statusPort", "holdApplicationUntilProxyStarts"].map(
    (name) => `MeshConfig.defaultConfig.${name}`,
  ),
  "src/inject/proxy-container.ts": ["MeshConfig.defaultConfig.image.imageType"],
  "src/inject/pod-proxy-config.ts": ["MeshConfig.defaultConfig.concurrency"],
  "src/inject/prometheus-merge.ts": ["MeshConfig.enablePrometheusMerge"],
  "src/agent/pod/proxy-arguments.ts": ["drainDuration", "terminationDrainDuration"].map(
    (name) => `MeshConfig.defaultConfig.${name}`,
  ),
  "src/agent/bootstrap/bootstrap.ts": ["MeshConfig.defaultConfig.runtimeValues.*"],
  "src/agent/bootstrap/stats-config.ts": ["MeshConfig.defaultConfig.proxyStatsMatcher.*"],
  "src/sources/kubernetes/namespace-selection.ts": ["MeshConfig.discoverySelectors.*"],
  "src/model/mesh-settings.ts": ["MeshConfig.trustDomain", "MeshConfig.rootNamespace"],
  "src/model/mutual-tls-modes.ts": ["PeerAuthentication.spec.selector.matchLabels.*"],
};
