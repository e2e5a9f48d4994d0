// The environment of a container: service links, envFrom, env, in the order in which Kubernetes lets the later
// win. Pure: objects come in, variables or a Problem come out. Secrets' values never enter a Problem.

import { Buffer } from "node:buffer";
import { objectKey } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import { problem } from "../../core/problem.ts";
import type { ConfigMap } from "../../kinds/config-map.ts";
import type { Container, EnvFromSource, EnvVar, EnvVarSource } from "../../kinds/pod/container.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import type { Secret } from "../../kinds/secret.ts";
import type { Service } from "../../kinds/service.ts";
import type { MachineCapacity } from "./downward-field.ts";
import { resolveFieldPath, resolveResource } from "./downward-field.ts";
import type { Resolution } from "./resolution.ts";
import { resolved, unresolved } from "./resolution.ts";
import { expandVariables } from "./variable-expansion.ts";

/** Where pods find what they refer to. */
export interface ReferencedObjects {
  readonly capacity: MachineCapacity;
  configMap(namespace: string, name: string): ConfigMap | undefined;
  secret(namespace: string, name: string): Secret | undefined;
  services(namespace: string): readonly Service[];
}

export type Environment = Readonly<Record<string, string>>;

export function resolveEnvironment(
  pod: Pod,
  container: Container,
  objects: ReferencedObjects,
): Resolution<Environment> {
  const variables: Record<string, string> = {};
  if (pod.spec.enableServiceLinks !== false) {
    Object.assign(variables, serviceLinks(objects.services(pod.metadata.namespace)));
  }
  for (const [index, source] of (container.envFrom ?? []).entries()) {
    const values = valuesOfSource(pod, source, objects);
    if (values === undefined) return unresolved(missingSource(pod, container, { source, index }));
    for (const [key, value] of Object.entries(values)) variables[`${source.prefix ?? ""}${key}`] = value;
  }
  for (const [index, variable] of (container.env ?? []).entries()) {
    const outcome = resolveVariable({ pod, container, objects }, variable, { index, variables });
    if (outcome.kind === "unresolved") return outcome;
    if (outcome.value !== undefined) variables[variable.name] = outcome.value;
  }
  return resolved(variables);
}

interface Context {
  readonly pod: Pod;
  readonly container: Container;
  readonly objects: ReferencedObjects;
}

/** Undefined for an optional reference that isn't there: the variable stays unset. */
function resolveVariable(
  context: Context,
  variable: EnvVar,
  { index, variables }: { index: number; variables: Environment },
): Resolution<string | undefined> {
  if (variable.valueFrom === undefined) return resolved(expandVariables(variable.value ?? "", variables));
  const place = `${containerPath(context.pod, context.container)}.env[${index}].valueFrom`;
  return resolveSource(context, variable.valueFrom, place);
}

function resolveSource(
  { pod, container, objects }: Context,
  source: EnvVarSource,
  place: string,
): Resolution<string | undefined> {
  if (source.fieldRef !== undefined) {
    const value = resolveFieldPath(pod, source.fieldRef.fieldPath);
    return value === undefined
      ? unresolved(unknownField(pod, `${place}.fieldRef`, source.fieldRef.fieldPath))
      : resolved(value);
  }
  if (source.resourceFieldRef !== undefined) {
    const { containerName, ...query } = source.resourceFieldRef;
    const named = allContainers(pod).find((candidate) => candidate.name === containerName) ?? container;
    const value = resolveResource(named, query, objects.capacity);
    return value === undefined
      ? unresolved(unknownField(pod, `${place}.resourceFieldRef`, query.resource))
      : resolved(value);
  }
  return resolveKey({ pod, container, objects }, source, place);
}

function resolveKey(
  { pod, objects }: Context,
  source: EnvVarSource,
  place: string,
): Resolution<string | undefined> {
  const reference = source.configMapKeyRef ?? source.secretKeyRef;
  if (reference === undefined) return resolved("");
  const { namespace } = pod.metadata;
  const kind = source.configMapKeyRef === undefined ? "Secret" : "ConfigMap";
  const name = reference.name ?? "";
  const values =
    kind === "ConfigMap"
      ? configMapText(objects.configMap(namespace, name))
      : secretText(objects.secret(namespace, name));
  const value = values?.[reference.key];
  if (value !== undefined || reference.optional === true) return resolved(value);
  const what = values === undefined ? `${kind} "${name}"` : `key "${reference.key}" in ${kind} "${name}"`;
  return unresolved(missingObject(pod, place, what));
}

function valuesOfSource(
  pod: Pod,
  source: EnvFromSource,
  objects: ReferencedObjects,
): Environment | undefined {
  const { namespace } = pod.metadata;
  const reference = source.configMapRef ?? source.secretRef;
  const name = reference?.name ?? "";
  const values =
    source.configMapRef === undefined
      ? secretText(objects.secret(namespace, name))
      : configMapText(objects.configMap(namespace, name));
  return values ?? (reference?.optional === true ? {} : undefined);
}

function missingSource(
  pod: Pod,
  container: Container,
  at: { source: EnvFromSource; index: number },
): Problem {
  const isConfigMap = at.source.configMapRef !== undefined;
  const name = (at.source.configMapRef ?? at.source.secretRef)?.name ?? "";
  const place = `${containerPath(pod, container)}.envFrom[${at.index}]`;
  return missingObject(pod, place, `${isConfigMap ? "ConfigMap" : "Secret"} "${name}"`);
}

/** The Problem of a pod that refers to something that isn't there; `what` names it. */
export function missingObject(pod: Pod, path: string, what: string): Problem {
  return problem("MLT3103", {
    object: objectKey({ kind: "Pod", namespace: pod.metadata.namespace, name: pod.metadata.name }),
    path,
    message: `Cannot find ${what} in namespace "${pod.metadata.namespace}"; the container starts once it exists`,
    hint: "add it to the manifests, or mark the reference `optional: true`",
  });
}

function unknownField(pod: Pod, path: string, field: string): Problem {
  return problem("MLT3105", {
    object: objectKey({ kind: "Pod", namespace: pod.metadata.namespace, name: pod.metadata.name }),
    path,
    message: `Cannot resolve "${field}": a pod offers no such field`,
    hint: "fields are metadata.name, metadata.namespace, metadata.uid, metadata.labels['x'], metadata.annotations['x'], spec.nodeName, spec.serviceAccountName, status.podIP, status.hostIP, limits.* and requests.*",
  });
}

/** Field path of a container in its pod's spec, such as `spec.containers[0]`. */
export function containerPath(pod: Pod, container: Container): string {
  const index = pod.spec.containers.findIndex((candidate) => candidate.name === container.name);
  if (index >= 0) return `spec.containers[${index}]`;
  const initIndex = (pod.spec.initContainers ?? []).findIndex((one) => one.name === container.name);
  return `spec.initContainers[${initIndex}]`;
}

export function allContainers(pod: Pod): readonly Container[] {
  return [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
}

function configMapText(configMap: ConfigMap | undefined): Environment | undefined {
  return configMap === undefined ? undefined : (configMap.data ?? {});
}

function secretText(secret: Secret | undefined): Environment | undefined {
  if (secret === undefined) return undefined;
  const decoded = Object.entries(secret.data ?? {}).map(
    ([key, value]) => [key, Buffer.from(value, "base64").toString()] as const,
  );
  return { ...Object.fromEntries(decoded), ...secret.stringData };
}

/** `REVIEWS_SERVICE_HOST` and the like, for the services that have an address. */
function serviceLinks(services: readonly Service[]): Environment {
  const links: Record<string, string> = {};
  for (const { metadata, spec } of services) {
    const clusterIP = spec?.clusterIP;
    const [first] = spec?.ports ?? [];
    if (clusterIP === undefined || clusterIP === "" || clusterIP === "None" || first === undefined) continue;
    const prefix = `${metadata.name.toUpperCase().replaceAll("-", "_")}_SERVICE`;
    links[`${prefix}_HOST`] = clusterIP;
    links[`${prefix}_PORT`] = String(first.port);
    for (const port of spec?.ports ?? []) {
      if (port.name === undefined) continue;
      links[`${prefix}_PORT_${port.name.toUpperCase().replaceAll("-", "_")}`] = String(port.port);
    }
  }
  return links;
}
