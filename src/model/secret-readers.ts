// Which ServiceAccounts may read the Secrets of their namespace, where the mesh's own objects are all that says so. A
// proxy gets a Secret only if its ServiceAccount could have read it: what a Gateway or a rule names is no right to it.

import { matchesSelector } from "../core/label-selector.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import { type ClaimedField, claims } from "../kinds/claims.ts";
import { clusterRoleKind } from "../kinds/rbac/cluster-role.ts";
import { clusterRoleBindingKind } from "../kinds/rbac/cluster-role-binding.ts";
import type { BindingSubject, PolicyRule, RoleReference } from "../kinds/rbac/policy-rule.ts";
import { roleKind } from "../kinds/rbac/role.ts";
import { roleBindingKind } from "../kinds/rbac/role-binding.ts";
import { rowKey, type Sources } from "./sources.ts";
import type { Workload, Workloads } from "./workloads.ts";

/** Of a ServiceAccount, in its own namespace. */
export type SecretRight = "allowed" | "denied";

/** Rows by `namespace/ServiceAccount`. Whose row isn't there may not: nobody has said so yet. */
export type SecretReaders = Table<SecretRight>;

export const secretReaderFields: readonly ClaimedField[] = [
  ...claims(roleKind, "rules[]", ["verbs", "apiGroups", "resources", "resourceNames"]),
  ...claims(clusterRoleKind, "rules[]", ["verbs", "apiGroups", "resources", "resourceNames"]),
  ...claims(clusterRoleKind, "aggregationRule", [
    "clusterRoleSelectors[].matchLabels.*",
    "clusterRoleSelectors[].matchExpressions[].key",
    "clusterRoleSelectors[].matchExpressions[].operator",
    "clusterRoleSelectors[].matchExpressions[].values",
  ]),
  ...claims(roleBindingKind, "roleRef", ["kind", "name", "apiGroup"]),
  ...claims(roleBindingKind, "subjects[]", ["kind", "name", "apiGroup", "namespace"]),
  ...claims(clusterRoleBindingKind, "roleRef", ["kind", "name", "apiGroup"]),
  ...claims(clusterRoleBindingKind, "subjects[]", ["kind", "name", "apiGroup", "namespace"]),
];

/**
 * By RBAC's objects. An account that no binding concerns may where it is a gateway's own, unless its namespace's bindings
 * give the right to others: then they are meant to say it all.
 */
export function declareSecretReaders(graph: Graph, sources: Sources, workloads: Workloads): SecretReaders {
  const accounts = graph.group("workloads by ServiceAccount", workloads.byAccount);
  return graph.derive<readonly (readonly [string, Workload])[], SecretRight>({
    name: "ServiceAccounts that may read Secrets",
    from: accounts,
    rows(key, members, read) {
      const [, first] = members[0] ?? [];
      if (first === undefined) return [];
      const bound = bindingsOf(first, sources, read);
      const isGateways = members.some(([, { proxyKind }]) => proxyKind === "router");
      const isAllowed =
        bound.length === 0
          ? isGateways && !isGrantedIn(first.namespace, sources, read)
          : bound.some((rules) => rules.some(listsSecrets));
      return [[key, isAllowed ? "allowed" : "denied"]];
    },
  });
}

type Account = Pick<Workload, "namespace" | "serviceAccount">;

/** The rules that each binding gives the account in its namespace. */
function bindingsOf(account: Account, sources: Sources, read: Read): readonly (readonly PolicyRule[])[] {
  const inNamespace = read
    .all(sources.RoleBinding)
    .filter(([, { metadata, subjects = [] }]) => {
      if (metadata.namespace !== account.namespace) return false;
      return subjects.some((each) => isMeant(ofNamespace(each, metadata.namespace), account));
    })
    .map(([, { roleRef }]) => rulesOf(roleRef, account.namespace, { sources, read }));
  const everywhere = read
    .all(sources.ClusterRoleBinding)
    .filter(([, { subjects = [] }]) => subjects.some((each) => isMeant(each, account)))
    .map(([, { roleRef }]) => rulesOf(roleRef, undefined, { sources, read }));
  return [...inNamespace, ...everywhere];
}

/** A RoleBinding may leave its own namespace out. */
function ofNamespace(subject: BindingSubject, namespace: string): BindingSubject {
  return (subject.namespace ?? "") === "" ? { ...subject, namespace } : subject;
}

/** To anybody, by a binding of the namespace itself. */
function isGrantedIn(namespace: string, sources: Sources, read: Read): boolean {
  return read
    .all(sources.RoleBinding)
    .some(
      ([, { metadata, subjects = [], roleRef }]) =>
        metadata.namespace === namespace &&
        subjects.length > 0 &&
        rulesOf(roleRef, namespace, { sources, read }).some(listsSecrets),
    );
}

/** Kubernetes' names of the account and of the groups that it is in. */
function isMeant(subject: BindingSubject, { namespace, serviceAccount }: Account): boolean {
  switch (subject.kind) {
    case "ServiceAccount":
      return subject.name === serviceAccount && subject.namespace === namespace;
    case "User":
      return subject.name === `system:serviceaccount:${namespace}:${serviceAccount}`;
    case "Group":
      return [
        "system:authenticated",
        "system:serviceaccounts",
        `system:serviceaccounts:${namespace}`,
      ].includes(subject.name);
    default:
      return false;
  }
}

// ClusterRoles that every cluster has, as far as Secrets go; `view` leaves them out.
const BUILT_IN: ReadonlySet<string> = new Set(["cluster-admin", "admin", "edit"]);
const SECRET_RULE: PolicyRule = { apiGroups: [""], resources: ["secrets"], verbs: ["list"] };

function rulesOf(
  { kind, name }: RoleReference,
  namespace: string | undefined,
  { sources, read }: { readonly sources: Sources; readonly read: Read },
): readonly PolicyRule[] {
  if (kind === "Role")
    return namespace === undefined ? [] : (read.get(sources.Role, rowKey(namespace, name))?.rules ?? []);
  if (kind !== "ClusterRole") return [];
  const role = read.get(sources.ClusterRole, rowKey(undefined, name));
  if (role === undefined) return BUILT_IN.has(name) ? [SECRET_RULE] : [];
  const selectors = role.aggregationRule?.clusterRoleSelectors ?? [];
  if (selectors.length === 0) return role.rules ?? [];
  // A controller of Kubernetes writes an aggregated role's rules; whatever is written in it is replaced.
  return read
    .all(sources.ClusterRole)
    .filter(([, each]) => selectors.some((selector) => matchesSelector(selector, each.metadata.labels ?? {})))
    .flatMap(([, { rules = [] }]) => rules);
}

/** As Istio asks: all of the namespace's, so a right to some by name doesn't do. */
function listsSecrets({ apiGroups = [], resources = [], resourceNames = [], verbs }: PolicyRule): boolean {
  const has = (words: readonly string[], word: string) => words.includes(word) || words.includes("*");
  return has(apiGroups, "") && has(resources, "secrets") && has(verbs, "list") && resourceNames.length === 0;
}
