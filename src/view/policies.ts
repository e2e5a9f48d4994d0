// The policies that proxies enforce for their workloads: a line each. src/fleet/policy-slot-tables.ts builds what fills
// their slots, and doesn't compile for a policy that it leaves out.

import { declareAuthorizations } from "./authorization.ts";
import { policyLayer } from "./layer-id.ts";
import type { PolicySets, PolicyTables } from "./policy-sets.ts";
import type { Facet } from "./profile.ts";
import { declareRequestAuthentications } from "./request-authentication.ts";

export type Policies = ReturnType<typeof declarePolicies>;

export type PolicyName = keyof Policies;

/** What the builder of a policy's slots sees. */
export type PolicyInputs<Name extends PolicyName> =
  Policies[Name] extends PolicySets<infer _Set, infer Inputs> ? Inputs : never;

export function declarePolicies(tables: PolicyTables) {
  return {
    authorization: declareAuthorizations(tables),
    requestAuthentication: declareRequestAuthentications(tables),
  };
}

/** A policy's row for the proxy, whatever it says. */
export function policyFacet(policies: Policies): Facet {
  const sets: readonly (readonly [string, PolicySets])[] = Object.entries(policies);
  return (key, _proxy, read) => ({
    "extension-config": sets.map(([name, { ofProxy }]) =>
      policyLayer(name, read.get(ofProxy, key)?.id ?? ""),
    ),
  });
}
