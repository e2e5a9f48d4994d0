// WorkloadEntry: one workload outside of the cluster, such as a virtual machine.

import { isIpAddress } from "../core/cidr.ts";
import { hostnameFault } from "../core/hostname.ts";
import { namedPortsAdmission } from "./admission.ts";
import type { ObjectOf } from "./define-kind.ts";
import { defineKind } from "./define-kind.ts";
import { checkLabel } from "./object-name.ts";
import { anything } from "./schema.ts";
import type { WorkloadEntrySpec } from "./service-entry/service-entry-spec.ts";
import { workloadEntrySpec } from "./service-entry/service-entry-spec.ts";
import type { Findings } from "./value-rules.ts";
import { checkNamedPorts } from "./value-rules.ts";

export const workloadEntryKind = defineKind({
  kind: "WorkloadEntry",
  group: "networking.istio.io",
  versions: { served: ["v1", "v1beta1", "v1alpha3"], storage: "v1" },
  plural: "workloadentries",
  shortNames: ["we"],
  scope: "Namespaced",
  roles: ["modeled"],
  description:
    "One workload outside of the cluster, such as a virtual machine, that is an endpoint of the services that select it.",
  fields: { status: anything() },
  requiredFields: { spec: workloadEntrySpec },
  columns: [{ title: "Address", path: "spec.address" }],
  rules: [workloadEntryRules],
  admission: {
    spec: {
      rules: [
        { rule: "has(self.address) || has(self.network)", message: "Address is required" },
        {
          rule: "!has(self.address) || !self.address.startsWith('unix:') || !has(self.ports) || size(self.ports) == 0",
          message: "UDS may not include ports",
        },
      ],
    },
    "spec.address": {
      maxLength: 253,
      rules: [
        {
          rule: "!self.startsWith('unix:') || self.matches('^unix://[/@].*')",
          message: "UDS must be an absolute path or abstract socket",
        },
        {
          rule: "!self.startsWith('unix:') || !self.endsWith('/')",
          message: "UDS may not be a dir",
        },
      ],
    },
    ...namedPortsAdmission("spec.ports"),
  },
});

export type WorkloadEntry = ObjectOf<typeof workloadEntryKind>;

function* workloadEntryRules({ spec }: { readonly spec: WorkloadEntrySpec }): Findings {
  const { address = "", labels = {}, network = "", ports = {} } = spec;
  for (const [key, value] of Object.entries(labels)) yield* checkLabel(key, value, "spec.labels");
  if (address === "" && network === "")
    yield { code: "MLT1006", path: "spec.address", message: "a workload needs an address, or a network" };
  if (address === "" && network !== "") {
    const message = `without an address the workload is reached through the gateways of network "${network}" alone`;
    yield { severity: "warning", path: "spec.address", message };
  }
  if (address !== "" && !address.startsWith("unix://") && !isIpAddress(address)) {
    const fault = hostnameFault(address);
    if (fault !== undefined) {
      const message = `"${address}" is neither an IP address nor a host name: ${fault}`;
      const hint = address.includes(":") ? "ports go into spec.ports" : undefined;
      yield { path: "spec.address", message, ...(hint === undefined ? {} : { hint }) };
    }
  }
  yield* checkNamedPorts("spec.ports", ports);
  if (!address.startsWith("unix://")) return;
  if (!/^unix:\/\/(\/.*[^/]|@.+)$/.test(address)) {
    yield { path: "spec.address", message: `"${address}" isn't the full path of a unix socket` };
  }
  if (Object.keys(ports).length > 0) yield { path: "spec.ports", message: "a unix socket has no ports" };
}
