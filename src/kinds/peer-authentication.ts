// PeerAuthentication: whether workloads accept mutual TLS only, plaintext too, or plaintext only.

import { childPath } from "../core/field-path.ts";
import { portRule, selectorAdmission } from "./admission.ts";
import type { ObjectOf } from "./define-kind.ts";
import { defineKind } from "./define-kind.ts";
import { checkLabel } from "./object-name.ts";
import type { TypeOf } from "./schema.ts";
import { anything, choice, map, message } from "./schema.ts";
import type { Findings } from "./value-rules.ts";
import { workloadSelector } from "./workload-selector.ts";

const mutualTls = message({ mode: choice("UNSET", "DISABLE", "PERMISSIVE", "STRICT") });

export const peerAuthenticationSpec = message({
  selector: workloadSelector,
  mtls: mutualTls,
  portLevelMtls: map(mutualTls),
});

export const peerAuthenticationKind = defineKind({
  kind: "PeerAuthentication",
  group: "security.istio.io",
  versions: { served: ["v1", "v1beta1"], storage: "v1" },
  plural: "peerauthentications",
  shortNames: ["pa"],
  scope: "Namespaced",
  roles: ["modeled"],
  description: "Whether workloads accept mutual TLS only, plain text too, or plain text only.",
  fields: { spec: peerAuthenticationSpec, status: anything() },
  columns: [{ title: "Mode", path: "spec.mtls.mode" }],
  rules: [selectorRule, portLevelRule],
  admission: {
    spec: {
      rules: [
        {
          rule: "!has(self.portLevelMtls) || (has(self.selector) && has(self.selector.matchLabels) && size(self.selector.matchLabels) > 0)",
          message: "portLevelMtls requires selector",
        },
      ],
    },
    ...selectorAdmission("spec.selector.matchLabels"),
    "spec.portLevelMtls": {
      minProperties: 1,
      maxProperties: 4096,
      rules: [{ rule: "self.all(key, 0 < int(key) && int(key) <= 65535)", message: portRule.message }],
    },
  },
});

export type PeerAuthentication = ObjectOf<typeof peerAuthenticationKind>;
export type PeerAuthenticationSpec = TypeOf<typeof peerAuthenticationSpec>;
export type PeerAuthenticationMode = NonNullable<TypeOf<typeof mutualTls>["mode"]>;

interface PeerAuthenticationLike {
  readonly spec?: PeerAuthenticationSpec;
}

function* selectorRule({ spec }: PeerAuthenticationLike): Findings {
  const { matchLabels } = spec?.selector ?? {};
  if (spec?.selector !== undefined && Object.keys(matchLabels ?? {}).length === 0) {
    const message = "the selector has no labels, so the policy is for the whole namespace";
    yield { severity: "warning", path: "spec.selector", message };
  }
  for (const [key, value] of Object.entries(matchLabels ?? {})) {
    yield* checkLabel(key, value, "spec.selector.matchLabels");
  }
}

function* portLevelRule({ spec }: PeerAuthenticationLike): Findings {
  const path = "spec.portLevelMtls";
  if (spec?.portLevelMtls === undefined) return;
  const ports = Object.keys(spec.portLevelMtls);
  if (ports.length === 0) yield { path, message: "it needs at least one port" };
  if (ports.length > 0 && Object.keys(spec.selector?.matchLabels ?? {}).length === 0) {
    const message = "modes for single ports need a selector: they can't be set for a whole namespace or mesh";
    yield { path, message };
  }
  for (const port of ports) {
    const isNumber = /^\d{1,5}$/.test(port);
    if (!isNumber || Number(port) < 1 || Number(port) > 65535) {
      yield { path: childPath(path, port), message: `"${port}" isn't a port, wanted 1 to 65535` };
    }
  }
}
