// From what a webhook or a file holds to a pod whose lists are lists and whose names are names. Fields that only a newer
// Kubernetes knows stay as they are; whether their values are allowed is Kubernetes' to say.

import { type Problem, problem } from "../core/problem.ts";
import { checkForm } from "../kinds/check-form.ts";
import { type PodTemplate, podTemplate } from "../kinds/pod/pod-spec.ts";
import type { InjectablePod } from "./injectable-pod.ts";

export type ReadPod =
  /** Fields with nothing in them are gone: Kubernetes takes them for absent. */
  | { readonly kind: "read"; readonly pod: InjectablePod }
  | { readonly kind: "unfit"; readonly problems: readonly Problem[] };

/** `path`: of the pod in its object, such as `spec.template`; empty where it is the object. */
export function readPod(value: unknown, path = ""): ReadPod {
  const form = checkForm(podTemplate, value ?? {}, { path, isTypesOnly: true });
  if (form.findings.length === 0) {
    const { metadata = {}, spec } = form.value as PodTemplate;
    return { kind: "read", pod: { metadata, spec } };
  }
  const problems = form.findings.map(({ code = "MLT1004", ...finding }) => problem(code, finding));
  return { kind: "unfit", problems };
}
