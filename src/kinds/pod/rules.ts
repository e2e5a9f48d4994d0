// What a pod's schema can't say: names that must differ, and mounts that must lead somewhere.

import type { LabelSelector } from "../../core/label-selector.ts";
import { matchesSelector } from "../../core/label-selector.ts";
import { isDnsLabel } from "../object-name.ts";
import type { Findings } from "../value-rules.ts";
import type { Container } from "./container.ts";
import type { PodSpec, PodTemplate } from "./pod-spec.ts";

export function* podRules({ spec }: { readonly spec: PodSpec }): Findings {
  yield* checkPodSpec("spec", spec);
}

interface WorkloadLike {
  readonly spec: { readonly selector?: LabelSelector; readonly template?: PodTemplate };
}

/** For kinds that make pods from a template: it must carry the labels that the selector looks for. */
export function* workloadRules({ spec: { selector, template } }: WorkloadLike): Findings {
  if (template === undefined) return;
  yield* checkPodSpec("spec.template.spec", template.spec);
  if (selector === undefined) return;
  const isEmpty =
    Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0;
  if (isEmpty)
    yield { code: "MLT1006", path: "spec.selector", message: "the selector is empty, wanted labels" };
  if (!matchesSelector(selector, template.metadata?.labels)) {
    const message = "the selector doesn't match the labels of spec.template";
    yield { path: "spec.selector", message };
  }
}

function* checkPodSpec(path: string, spec: PodSpec): Findings {
  if (spec.containers.length === 0) {
    yield { code: "MLT1006", path: `${path}.containers`, message: "a pod needs at least one container" };
  }
  const volumes = new Set<string>();
  for (const [index, { name, ...source }] of (spec.volumes ?? []).entries()) {
    const place = `${path}.volumes[${index}]`;
    if (volumes.has(name)) yield { path: `${place}.name`, message: `there are two volumes "${name}"` };
    volumes.add(name);
    if (Object.keys(source).length === 0) {
      yield { code: "MLT1006", path: place, message: `volume "${name}" has no source, such as emptyDir` };
    }
  }
  const names = new Set<string>();
  for (const list of ["initContainers", "containers"] as const) {
    for (const [index, container] of (spec[list] ?? []).entries()) {
      const place = `${path}.${list}[${index}]`;
      if (names.has(container.name)) {
        yield { path: `${place}.name`, message: `there are two containers "${container.name}"` };
      }
      names.add(container.name);
      yield* checkContainer(place, container, volumes);
    }
  }
}

function* checkContainer(path: string, container: Container, volumes: ReadonlySet<string>): Findings {
  if (!isDnsLabel(container.name)) {
    yield {
      path: `${path}.name`,
      message: `"${container.name}" isn't a container's name, wanted a DNS label`,
    };
  }
  for (const [index, { name }] of (container.volumeMounts ?? []).entries()) {
    if (volumes.has(name)) continue;
    yield { path: `${path}.volumeMounts[${index}].name`, message: `there is no volume "${name}" in the pod` };
  }
  const portNames = new Set<string>();
  for (const [index, { name }] of (container.ports ?? []).entries()) {
    if (name === undefined) continue;
    if (portNames.has(name))
      yield { path: `${path}.ports[${index}].name`, message: `there are two ports "${name}"` };
    portNames.add(name);
  }
  for (const name of ["livenessProbe", "readinessProbe", "startupProbe"] as const) {
    const probe = container[name];
    if (probe === undefined || probe.exec || probe.grpc || probe.httpGet || probe.tcpSocket) continue;
    yield {
      code: "MLT1006",
      path: `${path}.${name}`,
      message: "a probe needs exec, grpc, httpGet or tcpSocket",
    };
  }
}
