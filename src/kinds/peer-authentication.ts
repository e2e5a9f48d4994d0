// PeerAuthentication: whether workloads accept mutual TLS only, plaintext too, or plaintext only.

import type { ObjectOf } from "./define-kind.ts";
import { defineKind } from "./define-kind.ts";
import type { TypeOf } from "./schema.ts";
import { anything, choice, map, message } from "./schema.ts";
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
  fields: { spec: peerAuthenticationSpec, status: anything() },
  columns: [{ title: "Mode", path: "spec.mtls.mode" }],
});

export type PeerAuthentication = ObjectOf<typeof peerAuthenticationKind>;
export type PeerAuthenticationSpec = TypeOf<typeof peerAuthenticationSpec>;
export type MutualTlsMode = NonNullable<TypeOf<typeof mutualTls>["mode"]>;
