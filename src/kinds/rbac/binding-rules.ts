// What Kubernetes' API server refuses in the bindings of rbac.authorization.k8s.io.

import { quoted } from "../../core/quoted.ts";
import type { Findings } from "../value-rules.ts";
import type { BindingSubject, RoleReference } from "./policy-rule.ts";

interface Binding {
  readonly roleRef: RoleReference;
  readonly subjects?: readonly BindingSubject[];
}

const GROUP = "rbac.authorization.k8s.io";

export function* roleBindingRules({ roleRef, subjects = [] }: Binding): Findings {
  yield* checkRole(roleRef, ["Role", "ClusterRole"]);
  for (const [index, subject] of subjects.entries()) yield* checkSubject(subject, `subjects[${index}]`);
}

/** A namespace of its own to fall back on is what only a RoleBinding has. */
export function* clusterRoleBindingRules({ roleRef, subjects = [] }: Binding): Findings {
  yield* checkRole(roleRef, ["ClusterRole"]);
  for (const [index, subject] of subjects.entries()) {
    yield* checkSubject(subject, `subjects[${index}]`);
    if (subject.kind === "ServiceAccount" && (subject.namespace ?? "") === "") {
      const path = `subjects[${index}].namespace`;
      yield {
        code: "MLT1006",
        path,
        message: "a ServiceAccount needs its namespace in a ClusterRoleBinding",
      };
    }
  }
}

function* checkRole({ apiGroup, kind }: RoleReference, kinds: readonly string[]): Findings {
  yield* checkWord("roleRef.kind", kind, kinds);
  yield* checkWord("roleRef.apiGroup", apiGroup, [GROUP]);
}

function* checkSubject({ apiGroup, kind }: BindingSubject, path: string): Findings {
  yield* checkWord(`${path}.kind`, kind, ["ServiceAccount", "User", "Group"]);
  yield* checkWord(`${path}.apiGroup`, apiGroup, kind === "ServiceAccount" ? [] : [GROUP]);
}

function* checkWord(path: string, word: string | undefined, allowed: readonly string[]): Findings {
  if (word === undefined || word === "" || allowed.includes(word)) return;
  const wanted = allowed.length === 0 ? "nothing" : allowed.map(quoted).join(" or ");
  yield { path, message: `${quoted(word)} isn't allowed there, wanted ${wanted}` };
}
