// The policies that proxies enforce for their workloads: those of every kind with the role `enforced`. What the builder of
// a kind's slots sees is its policies as they are, unless the kind says here that it needs more of the mesh.

import { type EnforcedKind, type EnforcedObjects, kindsWithRole } from "../kinds/all-kinds.ts";
import { authorizationInputs } from "./authorization.ts";
import { policyLayer } from "./layer-id.ts";
import { declarePolicySets, type PolicyContext, type PolicySets, type PolicyTables } from "./policy-sets.ts";
import type { Facet } from "./profile.ts";
import { requestAuthenticationInputs } from "./request-authentication.ts";

const inputsByKind = {
  AuthorizationPolicy: authorizationInputs,
  RequestAuthentication: requestAuthenticationInputs,
} as const;

type ByKind = typeof inputsByKind;

/** What the builder of a kind's slots sees. */
export type PolicyInputs<K extends EnforcedKind> = K extends keyof ByKind
  ? ReturnType<ByKind[K]>
  : readonly EnforcedObjects[K][];

export type Policies = { readonly [K in EnforcedKind]: PolicySets<PolicyInputs<K>> };

// Each is only ever given policies of its own kind.
type InputsOf = (policies: readonly EnforcedObjects[EnforcedKind][], context: PolicyContext) => unknown;

export function declarePolicies(tables: PolicyTables): Policies {
  const inputsOfKind = inputsByKind as Readonly<Record<string, unknown>> as Readonly<
    Record<string, InputsOf>
  >;
  const declared = kindsWithRole("enforced").map(({ kind }) => [
    kind,
    declarePolicySets(tables, kind as EnforcedKind, inputsOfKind[kind] ?? ((policies) => policies)),
  ]);
  // The list of names and that of types are one: all-kinds.
  return Object.fromEntries(declared) as unknown as Policies;
}

/** A policy's row for the proxy, whatever it says. */
export function policyFacet(policies: Policies): Facet {
  const sets: readonly (readonly [string, PolicySets])[] = Object.entries(policies);
  return (key, _proxy, read) => ({
    "extension-config": sets.map(([kind, { ofProxy }]) =>
      policyLayer(kind, read.get(ofProxy, key)?.id ?? ""),
    ),
  });
}
