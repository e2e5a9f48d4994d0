// What is implemented outside of builders' features: which file deals with which fields. The check wants each
// file to exist and to mention the field, so that a claim can't outlive its code unnoticed.

import { type ClaimedField, claims } from "../src/kinds/claims.ts";
import { configMapKind } from "../src/kinds/config-map.ts";
import { daemonSetKind } from "../src/kinds/daemon-set.ts";
import { deploymentKind } from "../src/kinds/deployment.ts";
import { jobKind } from "../src/kinds/job.ts";
import { meshConfigKind } from "../src/kinds/mesh-config/mesh-config.ts";
import { podKind } from "../src/kinds/pod/pod.ts";
import { secretKind } from "../src/kinds/secret.ts";
import { statefulSetKind } from "../src/kinds/stateful-set.ts";

export const claimedFieldsByFile: Readonly<Record<string, readonly ClaimedField[]>> = {
  "src/local/workloads/environment.ts": [
    ...claims(configMapKind, ["data.*"]),
    ...claims(secretKind, ["data.*", "stringData.*"]),
    ...claims(podKind, ["spec.enableServiceLinks"]),
    ...claims(podKind, "spec.containers[].env[]", [
      "name",
      "value",
      "valueFrom.configMapKeyRef.key",
      "valueFrom.configMapKeyRef.name",
      "valueFrom.configMapKeyRef.optional",
      "valueFrom.secretKeyRef.key",
      "valueFrom.secretKeyRef.name",
      "valueFrom.secretKeyRef.optional",
      "valueFrom.fieldRef.fieldPath",
      "valueFrom.resourceFieldRef.containerName",
    ]),
    ...claims(podKind, "spec.containers[].envFrom[]", [
      "prefix",
      "configMapRef.name",
      "configMapRef.optional",
      "secretRef.name",
      "secretRef.optional",
    ]),
  ],
  "src/local/workloads/volume-content.ts": [
    ...claims(configMapKind, ["binaryData.*"]),
    ...claims(podKind, "spec.volumes[]", [
      "configMap.name",
      "configMap.items[].key",
      "configMap.items[].path",
      "configMap.items[].mode",
      "configMap.optional",
      "configMap.defaultMode",
      "secret.secretName",
      "secret.items[].key",
      "secret.items[].path",
      "secret.items[].mode",
      "secret.optional",
      "secret.defaultMode",
      "downwardAPI.items[].path",
      "downwardAPI.items[].fieldRef.fieldPath",
      "downwardAPI.items[].resourceFieldRef.containerName",
      "downwardAPI.items[].mode",
      "downwardAPI.defaultMode",
      "hostPath.path",
      "persistentVolumeClaim.claimName",
      "persistentVolumeClaim.readOnly",
      "projected.defaultMode",
      "projected.sources[].configMap.name",
      "projected.sources[].configMap.items[].key",
      "projected.sources[].configMap.items[].path",
      "projected.sources[].configMap.items[].mode",
      "projected.sources[].configMap.optional",
      "projected.sources[].secret.name",
      "projected.sources[].secret.items[].key",
      "projected.sources[].secret.items[].path",
      "projected.sources[].secret.items[].mode",
      "projected.sources[].secret.optional",
      "projected.sources[].downwardAPI.items[].path",
      "projected.sources[].downwardAPI.items[].fieldRef.fieldPath",
      "projected.sources[].downwardAPI.items[].resourceFieldRef.containerName",
      "projected.sources[].downwardAPI.items[].mode",
      "projected.sources[].serviceAccountToken.path",
      "projected.sources[].serviceAccountToken.audience",
      "projected.sources[].serviceAccountToken.expirationSeconds",
      "name",
    ]),
  ],
  "src/local/workloads/pod-volumes.ts": claims(podKind, "spec.containers[].volumeMounts[]", [
    "name",
    "mountPath",
    "readOnly",
    "subPath",
    "subPathExpr",
  ]),
  "src/local/workloads/image-command.ts": claims(podKind, "spec.containers[]", [
    "name",
    "image",
    "command",
    "args",
  ]),
  "src/local/workloads/container-user.ts": [
    ...claims(podKind, [
      "spec.containers[].securityContext.runAsUser",
      "spec.containers[].securityContext.runAsGroup",
    ]),
    ...claims(podKind, "spec.securityContext", ["fsGroup", "runAsUser", "runAsGroup"]),
  ],
  "src/local/workloads/container-launch.ts": claims(podKind, [
    "spec.containers[].workingDir",
    "spec.hostname",
  ]),
  "src/local/workloads/container-runner.ts": [
    ...claims(podKind, ["spec.containers[].restartPolicy", "spec.restartPolicy"]),
  ],
  "src/local/workloads/probe-state.ts": claims(podKind, "spec.containers[].readinessProbe", [
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
  ]),
  "src/local/workloads/probe-dial.ts": [
    ...claims(podKind, "spec.containers[].readinessProbe", [
      "grpc.port",
      "grpc.service",
      "httpGet.port",
      "httpGet.host",
      "httpGet.path",
      "httpGet.scheme",
      "httpGet.httpHeaders[].name",
      "httpGet.httpHeaders[].value",
    ]),
    ...claims(podKind, "spec.containers[].lifecycle.postStart", [
      "httpGet.port",
      "httpGet.host",
      "httpGet.path",
      "httpGet.scheme",
      "httpGet.httpHeaders[].name",
      "httpGet.httpHeaders[].value",
    ]),
  ],
  "src/local/workloads/pod-questions.ts": [
    ...claims(podKind, "spec.containers[].readinessProbe", [
      "exec.command",
      "tcpSocket.port",
      "tcpSocket.host",
    ]),
    ...claims(podKind, "spec.containers[].lifecycle.postStart", ["exec.command", "sleep.seconds"]),
  ],
  "src/local/workloads/downward-field.ts": claims(podKind, [
    "spec.containers[].env[].valueFrom.resourceFieldRef.resource",
    "spec.containers[].env[].valueFrom.resourceFieldRef.divisor",
    "spec.volumes[].downwardAPI.items[].resourceFieldRef.resource",
    "spec.volumes[].downwardAPI.items[].resourceFieldRef.divisor",
    "spec.volumes[].projected.sources[].downwardAPI.items[].resourceFieldRef.resource",
    "spec.volumes[].projected.sources[].downwardAPI.items[].resourceFieldRef.divisor",
  ]),
  "src/local/workloads/pod-runner.ts": claims(podKind, ["spec.terminationGracePeriodSeconds"]),
  "src/local/workloads/implicit-objects.ts": claims(podKind, [
    "spec.serviceAccountName",
    "spec.serviceAccount",
  ]),
  "src/local/workloads/endpoint-slices.ts": [
    ...claims(podKind, ["spec.subdomain"]),
    ...claims(podKind, "spec.containers[].ports[]", ["name", "containerPort", "protocol"]),
  ],
  "src/local/workloads/plan-deployment.ts": [
    ...claims(deploymentKind, ["spec.replicas", "spec.minReadySeconds", "spec.paused"]),
    ...claims(deploymentKind, "spec.strategy", [
      "type",
      "rollingUpdate.maxSurge",
      "rollingUpdate.maxUnavailable",
    ]),
  ],
  "src/local/workloads/plan-stateful-set.ts": [
    ...claims(statefulSetKind, [
      "spec.replicas",
      "spec.minReadySeconds",
      "spec.ordinals.start",
      "spec.podManagementPolicy",
      "spec.serviceName",
      "spec.volumeClaimTemplates[].*",
    ]),
    ...claims(statefulSetKind, "spec.updateStrategy", ["type", "rollingUpdate.partition"]),
  ],
  "src/local/workloads/plan-daemon-set.ts": [
    ...claims(daemonSetKind, ["spec.minReadySeconds", "spec.updateStrategy.type"]),
  ],
  "src/local/workloads/plan-job.ts": claims(jobKind, [
    "spec.activeDeadlineSeconds",
    "spec.backoffLimit",
    "spec.completions",
    "spec.parallelism",
    "spec.suspend",
  ]),
  "src/inject/proxy-environment.ts": claims(meshConfigKind, [
    "spec.defaultConfig.proxyMetadata.*",
    "spec.defaultConfig.discoveryAddress",
    "spec.defaultConfig.meshId",
  ]),
  "src/inject/node-metadata.ts": claims(meshConfigKind, ["spec.defaultConfig.tracingServiceName"]),
  "src/inject/sidecar-plan.ts": claims(meshConfigKind, "spec.defaultConfig", [
    "interceptionMode",
    "statusPort",
    "holdApplicationUntilProxyStarts",
  ]),
  "src/inject/proxy-container.ts": claims(meshConfigKind, ["spec.defaultConfig.image.imageType"]),
  "src/inject/pod-proxy-config.ts": claims(meshConfigKind, ["spec.defaultConfig.concurrency"]),
  "src/inject/prometheus-merge.ts": claims(meshConfigKind, ["spec.enablePrometheusMerge"]),
  "src/agent/pod/proxy-settings.ts": claims(meshConfigKind, ["spec.defaultConfig.proxyAdminPort"]),
  "src/agent/pod/proxy-arguments.ts": claims(meshConfigKind, [
    "spec.defaultConfig.binaryPath",
    "spec.defaultConfig.drainDuration",
    "spec.defaultConfig.terminationDrainDuration",
    "spec.defaultConfig.controlPlaneAuthPolicy",
  ]),
  "src/agent/bootstrap/bootstrap.ts": claims(meshConfigKind, ["spec.defaultConfig.runtimeValues.*"]),
  "src/agent/bootstrap/stats-config.ts": claims(meshConfigKind, "spec.defaultConfig.proxyStatsMatcher", [
    "inclusionPrefixes",
    "inclusionSuffixes",
    "inclusionRegexps",
  ]),
  "src/sources/kubernetes/namespace-selection.ts": claims(meshConfigKind, "spec.discoverySelectors[]", [
    "matchLabels.*",
    "matchExpressions[].key",
    "matchExpressions[].operator",
    "matchExpressions[].values",
  ]),
};
