// What a pod must be like to be run here at all: its names become names of files and hosts. Pure; an API server would
// refuse the same.

import type { ObjectKey } from "../../core/object-key.ts";
import { objectKey } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import { problem } from "../../core/problem.ts";
import { isDnsLabel } from "../../kinds/object-name.ts";
import type { Container } from "../../kinds/pod/container.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import { labelObjection, mountPathObjection, nameObjection, subPathObjection } from "./manifest-path.ts";

/** Nothing where the pod may start. */
export function podFormProblems(pod: Pod): readonly Problem[] {
  const { metadata, spec } = pod;
  const found = findings(pod);
  const name = nameObjection(metadata.name) ?? labelFindingOf(metadata.namespace);
  if (name !== undefined)
    found.unshift({ path: "metadata.name", what: `"${metadata.namespace}/${metadata.name}"`, why: name });
  if (spec.hostname !== undefined && !isDnsLabel(spec.hostname)) {
    found.push({ path: "spec.hostname", what: `"${spec.hostname}"`, why: "it isn't a host's name" });
  }
  const object = keyOf(pod);
  return found.map(({ path, what, why }) =>
    problem("MLT3109", { object, path, message: `Cannot start the pod with ${what}: ${why}` }),
  );
}

interface FormFinding {
  readonly path: string;
  readonly what: string;
  readonly why: string;
}

function findings({ spec }: Pod): FormFinding[] {
  const found: FormFinding[] = [];
  const seen = new Set<string>();
  for (const field of ["initContainers", "containers"] as const) {
    for (const [index, container] of (spec[field] ?? []).entries()) {
      const path = `spec.${field}[${index}]`;
      const why = seen.has(container.name) ? "another has this name" : labelObjection(container.name);
      seen.add(container.name);
      if (why !== undefined) found.push({ path: `${path}.name`, what: `container "${container.name}"`, why });
      found.push(...mountFindings(container, path));
    }
  }
  const volumes = new Set<string>();
  for (const [index, { name }] of (spec.volumes ?? []).entries()) {
    const why = volumes.has(name) ? "another has this name" : labelObjection(name);
    volumes.add(name);
    if (why !== undefined) found.push({ path: `spec.volumes[${index}].name`, what: `volume "${name}"`, why });
  }
  return found;
}

function mountFindings({ volumeMounts = [] }: Container, containerPath: string): readonly FormFinding[] {
  return volumeMounts.flatMap(({ mountPath, subPath = "" }, index) => {
    const path = `${containerPath}.volumeMounts[${index}]`;
    const target = mountPathObjection(mountPath);
    const below = subPathObjection(subPath);
    return [
      ...(target === undefined
        ? []
        : [{ path: `${path}.mountPath`, what: `mountPath "${mountPath}"`, why: target }]),
      ...(below === undefined ? [] : [{ path: `${path}.subPath`, what: `subPath "${subPath}"`, why: below }]),
    ];
  });
}

function labelFindingOf(namespace: string): string | undefined {
  return isDnsLabel(namespace) ? undefined : "that isn't a namespace's name";
}

function keyOf({ metadata }: Pod): ObjectKey {
  return objectKey({ kind: "Pod", namespace: metadata.namespace, name: metadata.name });
}
