// What a pod's volume holds: files by path, or a directory of some sort. Pure; tokens are only asked for here.

import { Buffer } from "node:buffer";
import { objectKey } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import { problem } from "../../core/problem.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import type { DownwardApiFile, KeyToPath, Volume, VolumeProjection } from "../../kinds/pod/volume.ts";
import { resolveFieldPath, resolveResource } from "./downward-field.ts";
import type { ReferencedObjects } from "./environment.ts";
import { allContainers, missingObject } from "./environment.ts";
import { filePathObjection } from "./manifest-path.ts";
import type { Resolution } from "./resolution.ts";
import { resolved, unresolved } from "./resolution.ts";

export interface VolumeFile {
  /** Relative, with slashes, never upwards. */
  readonly path: string;
  readonly mode: number;
  readonly content: Uint8Array | TokenRequest;
}

/** A file whose content is a ServiceAccount token, issued when it is written and again before it expires. */
export interface TokenRequest {
  readonly audience: string | undefined;
  readonly ttlSeconds: number;
}

export type VolumeContent =
  | { readonly kind: "files"; readonly files: readonly VolumeFile[] }
  | { readonly kind: "scratch" }
  | { readonly kind: "host"; readonly path: string; readonly warning: Problem }
  | { readonly kind: "claim"; readonly claimName: string; readonly isReadOnly: boolean };

const DEFAULT_MODE = 0o644;
const DEFAULT_TOKEN_TTL_SECONDS = 3600;
// As Kubernetes has it: a shorter one would be issued again and again.
const SHORTEST_TOKEN_TTL_SECONDS = 600;

export function resolveVolume(
  pod: Pod,
  volume: Volume,
  objects: ReferencedObjects,
): Resolution<VolumeContent> {
  if (volume.emptyDir !== undefined) return resolved({ kind: "scratch" });
  if (volume.persistentVolumeClaim !== undefined) {
    const { claimName, readOnly: isReadOnly = false } = volume.persistentVolumeClaim;
    return resolved({ kind: "claim", claimName, isReadOnly });
  }
  if (volume.hostPath !== undefined) {
    const { path } = volume.hostPath;
    return resolved({ kind: "host", path, warning: hostPathWarning(pod, volume.name, path) });
  }
  const projections = projectionsOf(volume);
  if (projections === undefined) return unresolved(unknownVolume(pod, volume));
  const files: VolumeFile[] = [];
  const defaultMode = modeOf(volume);
  for (const projection of projections) {
    const outcome = projectFiles({ pod, objects, volume, defaultMode }, projection);
    if (outcome.kind === "unresolved") return outcome;
    for (const { path } of outcome.value) {
      const objection = filePathObjection(path);
      if (objection !== undefined) return unresolved(badPath({ pod, volume }, path, objection));
    }
    files.push(...outcome.value);
  }
  return resolved({ kind: "files", files: lastOfEachPath(files) });
}

interface Context {
  readonly pod: Pod;
  readonly objects: ReferencedObjects;
  readonly volume: Volume;
  readonly defaultMode: number;
}

/** Every volume of files as a list of projections; undefined for a sort of volume that isn't known here. */
function projectionsOf(volume: Volume): readonly VolumeProjection[] | undefined {
  if (volume.projected !== undefined) return volume.projected.sources ?? [];
  if (volume.configMap !== undefined) return [{ configMap: volume.configMap }];
  if (volume.downwardAPI !== undefined) return [{ downwardAPI: volume.downwardAPI }];
  if (volume.secret === undefined) return undefined;
  const { secretName = "", ...rest } = volume.secret;
  return [{ secret: { name: secretName, ...rest } }];
}

function modeOf(volume: Volume): number {
  const source = volume.projected ?? volume.configMap ?? volume.secret ?? volume.downwardAPI;
  return source?.defaultMode ?? DEFAULT_MODE;
}

function projectFiles(context: Context, projection: VolumeProjection): Resolution<readonly VolumeFile[]> {
  if (projection.serviceAccountToken !== undefined) {
    const { path, audience, expirationSeconds } = projection.serviceAccountToken;
    const ttlSeconds = expirationSeconds ?? DEFAULT_TOKEN_TTL_SECONDS;
    if (!(ttlSeconds >= SHORTEST_TOKEN_TTL_SECONDS)) return unresolved(shortToken(context, ttlSeconds));
    const content = { audience, ttlSeconds };
    return resolved([{ path, mode: context.defaultMode, content }]);
  }
  if (projection.downwardAPI !== undefined) {
    return projectFields(context, projection.downwardAPI.items ?? []);
  }
  const source = projection.configMap ?? projection.secret;
  if (source === undefined) return resolved([]);
  const kind = projection.configMap === undefined ? "Secret" : "ConfigMap";
  const name = source.name ?? "";
  const data = dataOf(context, kind, name);
  if (data === undefined) {
    if (source.optional === true) return resolved([]);
    return unresolved(missingObject(context.pod, volumePath(context), `${kind} "${name}"`));
  }
  return projectKeys(context, { data, what: `${kind} "${name}"`, ...source });
}

interface KeyedSource {
  readonly data: ReadonlyMap<string, Uint8Array>;
  readonly what: string;
  readonly items?: readonly KeyToPath[];
  readonly optional?: boolean;
}

function projectKeys(context: Context, source: KeyedSource): Resolution<readonly VolumeFile[]> {
  const items = source.items ?? [...source.data.keys()].sort().map((key): KeyToPath => ({ key, path: key }));
  const files: VolumeFile[] = [];
  for (const { key, path, mode } of items) {
    const content = source.data.get(key);
    if (content === undefined) {
      if (source.optional === true) continue;
      const what = `key "${key}" in ${source.what}`;
      return unresolved(missingObject(context.pod, volumePath(context), what));
    }
    files.push({ path, mode: mode ?? context.defaultMode, content });
  }
  return resolved(files);
}

function projectFields(
  context: Context,
  items: readonly DownwardApiFile[],
): Resolution<readonly VolumeFile[]> {
  const files: VolumeFile[] = [];
  for (const { path, mode, fieldRef, resourceFieldRef } of items) {
    const text =
      fieldRef === undefined
        ? resourceText(context, resourceFieldRef)
        : resolveFieldPath(context.pod, fieldRef.fieldPath);
    if (text === undefined) return unresolved(unknownField(context, path));
    files.push({ path, mode: mode ?? context.defaultMode, content: Buffer.from(text) });
  }
  return resolved(files);
}

function resourceText({ pod, objects }: Context, reference: DownwardApiFile["resourceFieldRef"]) {
  const container = allContainers(pod).find((candidate) => candidate.name === reference?.containerName);
  if (reference === undefined || container === undefined) return undefined;
  return resolveResource(container, reference, objects.capacity);
}

function dataOf({ pod, objects }: Context, kind: "ConfigMap" | "Secret", name: string) {
  const { namespace } = pod.metadata;
  const data = new Map<string, Uint8Array>();
  const add = (values: Readonly<Record<string, string>> | undefined, encoding: "utf8" | "base64") => {
    for (const [key, value] of Object.entries(values ?? {})) data.set(key, Buffer.from(value, encoding));
  };
  if (kind === "ConfigMap") {
    const configMap = objects.configMap(namespace, name);
    if (configMap === undefined) return undefined;
    add(configMap.data, "utf8");
    add(configMap.binaryData, "base64");
    return data;
  }
  const secret = objects.secret(namespace, name);
  if (secret === undefined) return undefined;
  add(secret.data, "base64");
  add(secret.stringData, "utf8");
  return data;
}

function lastOfEachPath(files: readonly VolumeFile[]): readonly VolumeFile[] {
  return [...new Map(files.map((file) => [file.path, file])).values()];
}

function volumePath({ pod, volume }: Pick<Context, "pod" | "volume">): string {
  return `spec.volumes[${(pod.spec.volumes ?? []).indexOf(volume)}]`;
}

function podKey(pod: Pod) {
  return objectKey({ kind: "Pod", namespace: pod.metadata.namespace, name: pod.metadata.name });
}

function badPath(context: Pick<Context, "pod" | "volume">, path: string, objection: string): Problem {
  return problem("MLT3105", {
    object: podKey(context.pod),
    path: volumePath(context),
    message: `Cannot write "${path}": ${objection}`,
  });
}

function shortToken(context: Context, ttlSeconds: number): Problem {
  return problem("MLT3105", {
    object: podKey(context.pod),
    path: volumePath(context),
    message: `Cannot issue a token for ${ttlSeconds} seconds: expirationSeconds is at least ${SHORTEST_TOKEN_TTL_SECONDS}`,
  });
}

function unknownField(context: Context, path: string): Problem {
  return problem("MLT3105", {
    object: podKey(context.pod),
    path: volumePath(context),
    message: `Cannot write "${path}": its fieldRef or resourceFieldRef names nothing that a pod offers`,
  });
}

function unknownVolume(pod: Pod, volume: Volume): Problem {
  const sort = Object.keys(volume).find((key) => key !== "name") ?? "no source";
  return problem("MLT3104", {
    severity: "error",
    object: podKey(pod),
    path: `spec.volumes[${(pod.spec.volumes ?? []).indexOf(volume)}].${sort}`,
    message: `Cannot mount volume "${volume.name}": "${sort}" isn't available on this machine`,
    hint: "use emptyDir, configMap, secret, projected, downwardAPI, hostPath or persistentVolumeClaim",
  });
}

function hostPathWarning(pod: Pod, name: string, path: string): Problem {
  return problem("MLT3104", {
    object: podKey(pod),
    path: "spec.volumes",
    message: `Volume "${name}" is "${path}" of this machine itself: what the pod writes there stays`,
  });
}
