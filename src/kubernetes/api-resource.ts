// Paths of the API server, from a kind's declaration or from group, version and plural.

import type { Kind } from "../kinds/define-kind.ts";

export interface ApiResource {
  readonly kind: string;
  /** `v1` or `GROUP/VERSION`. */
  readonly apiVersion: string;
  readonly plural: string;
  readonly isNamespaced: boolean;
}

export interface ApiName {
  /** Left out for cluster-scoped objects, and for a list over all namespaces. */
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
}

type Declared = Pick<Kind, "kind" | "apiVersion" | "plural" | "scope">;

export function resourceOfKind({ kind, apiVersion, plural, scope }: Declared): ApiResource {
  if (scope === "Pseudo") throw new Error(`No API server knows the kind ${kind}`);
  return { kind, apiVersion, plural, isNamespaced: scope === "Namespaced" };
}

export function resourcePath({ apiVersion, plural }: ApiResource, name: ApiName = {}): string {
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const parts = [
    ...(name.namespace === undefined ? [] : ["namespaces", name.namespace]),
    plural,
    ...(name.name === undefined ? [] : [name.name]),
    ...(name.subresource === undefined ? [] : [name.subresource]),
  ];
  return [root, ...parts.map(encodeURIComponent)].join("/");
}

export const leaseResource: ApiResource = {
  kind: "Lease",
  apiVersion: "coordination.k8s.io/v1",
  plural: "leases",
  isNamespaced: true,
};
