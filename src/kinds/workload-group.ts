// WorkloadGroup: what the WorkloadEntries of one set of machines have in common, and how their health is probed.

import { namedPortsAdmission, portRule } from "./admission.ts";
import type { ObjectOf } from "./define-kind.ts";
import { defineKind } from "./define-kind.ts";
import { readinessProbe } from "./mesh-config/readiness-probe.ts";
import { checkLabel } from "./object-name.ts";
import type { TypeOf } from "./schema.ts";
import { anything, map, message, text } from "./schema.ts";
import { workloadEntrySpec } from "./service-entry/service-entry-spec.ts";
import type { Findings } from "./value-rules.ts";
import { checkNamedPorts, checkPort } from "./value-rules.ts";

/** `WorkloadGroup.ObjectMeta` */
export const workloadGroupMetadata = message({ labels: map(text()), annotations: map(text()) });

export const workloadGroupSpec = message(
  { metadata: workloadGroupMetadata, probe: readinessProbe },
  { required: { template: workloadEntrySpec } },
);

export const workloadGroupKind = defineKind({
  kind: "WorkloadGroup",
  group: "networking.istio.io",
  versions: { served: ["v1", "v1beta1", "v1alpha3"], storage: "v1" },
  plural: "workloadgroups",
  shortNames: ["wg"],
  scope: "Namespaced",
  roles: ["modeled"],
  description:
    "What the workloads of one set of machines have in common: a template for their WorkloadEntries, and how their health is probed.",
  fields: { status: anything() },
  requiredFields: { spec: workloadGroupSpec },
  columns: [{ title: "Service account", path: "spec.template.serviceAccount" }],
  rules: [workloadGroupRules],
  admission: {
    ...namedPortsAdmission("spec.template.ports"),
    "spec.probe.httpGet.httpHeaders[].name": { pattern: "^[-_A-Za-z0-9]+$" },
    ...Object.fromEntries(
      ["httpGet", "tcpSocket", "grpc"].map((name) => [`spec.probe.${name}.port`, { rules: [portRule] }]),
    ),
  },
});

export type WorkloadGroup = ObjectOf<typeof workloadGroupKind>;
export type WorkloadGroupSpec = TypeOf<typeof workloadGroupSpec>;

const METHODS = ["httpGet", "tcpSocket", "exec", "grpc"] as const;

function* workloadGroupRules({ spec }: { readonly spec: WorkloadGroupSpec }): Findings {
  const { metadata, probe, template } = spec;
  for (const [key, value] of Object.entries(metadata?.labels ?? {}))
    yield* checkLabel(key, value, "spec.metadata.labels");
  for (const [key, value] of Object.entries(template.labels ?? {}))
    yield* checkLabel(key, value, "spec.template.labels");
  yield* checkNamedPorts("spec.template.ports", template.ports);
  for (const method of ["httpGet", "tcpSocket", "grpc"] as const)
    yield* checkPort(`spec.probe.${method}.port`, probe?.[method]?.port);
  if (probe !== undefined && !METHODS.some((method) => probe[method] !== undefined)) {
    const message = `a probe needs ${METHODS.slice(0, -1).join(", ")} or ${METHODS.at(-1)}`;
    yield { code: "MLT1006", path: "spec.probe", message };
  }
  for (const [index, { name = "" }] of (probe?.httpGet?.httpHeaders ?? []).entries()) {
    if (!/^[-_A-Za-z0-9]+$/.test(name)) {
      const path = `spec.probe.httpGet.httpHeaders[${index}].name`;
      yield { path, message: `"${name}" isn't a header's name` };
    }
  }
}
