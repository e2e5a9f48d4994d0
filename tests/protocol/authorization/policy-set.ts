// Policies for one workload, and the calls that they are tried with.

import assert from "node:assert/strict";
import type { AuthorizationPolicy } from "../../../src/kinds/authorization-policy/authorization-policy.ts";
import type { AuthorizationPolicySpec } from "../../../src/kinds/authorization-policy/authorization-policy-spec.ts";
import type { AuthorizationInputs } from "../../../src/view/authorization-inputs.ts";
import { commitObjects } from "../../support/mesh-fixture.ts";
import { sidecar, viewFixture } from "../../support/view-fixture.ts";
import { authorizerServices, deciders, extensionProviders } from "./authorizers.ts";
import type { Call } from "./call.ts";
import { IDENTITIES } from "./credentials.ts";
import type { Place } from "./enforcing-envoy.ts";
import type { EvaluationContext } from "./evaluator.ts";

export type Written = AuthorizationPolicySpec & { readonly isDryRun?: boolean };

export interface PolicySet {
  readonly place: Place;
  readonly policies: readonly AuthorizationPolicy[];
}

/** What differs from a call of `web` for `GET http://shop.example/` at the first address and port. */
export type CallPart = Partial<Omit<Call, "destinationAddress" | "destinationPort">> & {
  readonly at?: "second address" | "second port";
};

export const CONTEXT: EvaluationContext = { trustDomains: ["corp", "old"], providers: deciders };

export const NAMESPACE = "shop";

export function policiesOf(written: readonly Written[]): readonly AuthorizationPolicy[] {
  return written.map(({ isDryRun = false, ...spec }, index) => ({
    apiVersion: "security.istio.io/v1",
    kind: "AuthorizationPolicy",
    metadata: {
      namespace: NAMESPACE,
      name: `policy-${index}`,
      ...(isDryRun ? { annotations: { "istio.io/dry-run": "true" } } : {}),
    },
    spec,
  }));
}

/** From objects, as the mesh makes them for a workload that they are for. */
export function inputsOf({ policies }: PolicySet): AuthorizationInputs {
  const [trustDomain, ...trustDomainAliases] = CONTEXT.trustDomains;
  const spec = { trustDomain, trustDomainAliases, extensionProviders };
  const config = { kind: "MeshConfig", metadata: { name: "mesh" }, spec };
  const mesh = viewFixture(
    [config, ...authorizerServices].map((each) => JSON.stringify(each)).join("\n---\n"),
  );
  // Also those that the kinds refuse: what they come to is known all the same.
  commitObjects(
    mesh.graph,
    mesh.sources,
    policies.map((policy) => ({ ...policy })),
  );
  mesh.connect(sidecar(NAMESPACE, "workload"));
  const { ofProxy, table } = mesh.views.policies.AuthorizationPolicy;
  const row = table.get(ofProxy.get(`${NAMESPACE}/workload`)?.id ?? "");
  assert.ok(row !== undefined);
  return row.inputs;
}

export function callOf({ at, ...part }: CallPart, { addresses, httpPorts, tcpPort }: Place): Call {
  const httpPort = at === "second port" ? httpPorts[1] : httpPorts[0];
  return {
    transport: "http",
    identity: IDENTITIES[0],
    sourceAddress: "127.2.0.1",
    remoteAddress: "203.0.113.7",
    destinationAddress: at === "second address" ? addresses[1] : addresses[0],
    destinationPort: part.transport === "tcp" ? tcpPort : httpPort,
    serverName: "",
    method: "GET",
    path: "/",
    host: "shop.example",
    headers: {},
    ...part,
  };
}
