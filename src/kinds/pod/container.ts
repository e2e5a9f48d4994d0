// A container of a pod, be it an init container, an application's or an ephemeral one.

import type { TypeOf } from "../schema.ts";
import { choice, flag, int32, integer, list, map, message, port, quantity, text } from "../schema.ts";
import { lifecycle, probe } from "./probe.ts";
import { containerSecurityContext } from "./security-context.ts";

const keySelector = message({ name: text(), optional: flag() }, { required: { key: text() } });
const fieldRef = message({ apiVersion: text() }, { required: { fieldPath: text() } });
const resourceFieldRef = message(
  { containerName: text(), divisor: quantity() },
  { required: { resource: text() } },
);
const fileKeyRef = message(
  { optional: flag() },
  { required: { volumeName: text(), path: text(), key: text() } },
);

export const envVarSource = message(
  { configMapKeyRef: keySelector, secretKeyRef: keySelector, fieldRef, resourceFieldRef, fileKeyRef },
  { oneofs: [["configMapKeyRef", "secretKeyRef", "fieldRef", "resourceFieldRef", "fileKeyRef"]] },
);

export const envVar = message(
  { value: text(), valueFrom: envVarSource },
  { required: { name: text() }, oneofs: [["value", "valueFrom"]] },
);

const envFromRef = message({ name: text(), optional: flag() });
export const envFromSource = message(
  { prefix: text(), configMapRef: envFromRef, secretRef: envFromRef },
  { oneofs: [["configMapRef", "secretRef"]] },
);

export const containerPort = message(
  {
    name: text(),
    protocol: choice("TCP", "UDP", "SCTP"),
    hostIP: text(),
    hostPort: integer(0, 65535),
  },
  { required: { containerPort: port() } },
);

const resourceClaim = message({ request: text() }, { required: { name: text() } });
export const resourceRequirements = message({
  limits: map(quantity()),
  requests: map(quantity()),
  claims: list(resourceClaim),
});

export const volumeMount = message(
  {
    mountPropagation: text(),
    readOnly: flag(),
    recursiveReadOnly: text(),
    subPath: text(),
    subPathExpr: text(),
  },
  { required: { name: text(), mountPath: text() } },
);

const volumeDevice = message({}, { required: { name: text(), devicePath: text() } });
const resizePolicy = message({}, { required: { resourceName: text(), restartPolicy: text() } });
const exitCodes = message({ values: list(int32()) }, { required: { operator: choice("In", "NotIn") } });
const restartRule = message({ action: text(), exitCodes });

const containerFields = {
  image: text(),
  imagePullPolicy: choice("Always", "IfNotPresent", "Never"),
  command: list(text()),
  args: list(text()),
  workingDir: text(),
  env: list(envVar),
  envFrom: list(envFromSource),
  ports: list(containerPort),
  resources: resourceRequirements,
  resizePolicy: list(resizePolicy),
  restartPolicy: choice("Always", "OnFailure", "Never"),
  restartPolicyRules: list(restartRule),
  volumeMounts: list(volumeMount),
  volumeDevices: list(volumeDevice),
  livenessProbe: probe,
  readinessProbe: probe,
  startupProbe: probe,
  lifecycle,
  securityContext: containerSecurityContext,
  stdin: flag(),
  stdinOnce: flag(),
  tty: flag(),
  terminationMessagePath: text(),
  terminationMessagePolicy: choice("File", "FallbackToLogsOnError"),
};

export const container = message(containerFields, { required: { name: text() } });
export const ephemeralContainer = message(
  { ...containerFields, targetContainerName: text() },
  { required: { name: text() } },
);

export type Container = TypeOf<typeof container>;
export type EnvVar = TypeOf<typeof envVar>;
export type EnvVarSource = TypeOf<typeof envVarSource>;
export type EnvFromSource = TypeOf<typeof envFromSource>;
export type ContainerPort = TypeOf<typeof containerPort>;
export type ResourceRequirements = TypeOf<typeof resourceRequirements>;
export type VolumeMount = TypeOf<typeof volumeMount>;
