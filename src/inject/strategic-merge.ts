// Lays one part of a pod over another by Kubernetes' strategic merge: plain fields replace, objects merge, null removes,
// and lists merge by the key of their items. Neither side is changed.

import type { Container } from "../kinds/pod/container.ts";

export type Fields = Readonly<Record<string, unknown>>;

interface ListMerge {
  readonly key: string;
  /** `replace`: an item is one thing, and half of each would be neither. */
  readonly items: "merge" | "replace";
}

/** The lists of a pod whose items have a key; other lists are replaced whole. */
const listMerges: Readonly<Record<string, ListMerge>> = {
  containers: { key: "name", items: "merge" },
  initContainers: { key: "name", items: "merge" },
  ephemeralContainers: { key: "name", items: "merge" },
  volumes: { key: "name", items: "replace" },
  imagePullSecrets: { key: "name", items: "replace" },
  hostAliases: { key: "ip", items: "replace" },
  topologySpreadConstraints: { key: "topologyKey", items: "replace" },
  env: { key: "name", items: "replace" },
  ports: { key: "containerPort", items: "merge" },
  volumeMounts: { key: "mountPath", items: "replace" },
  volumeDevices: { key: "devicePath", items: "replace" },
};

export function mergeStrategically(base: Fields, over: Fields): Fields {
  if (over.$patch === "replace") return withoutDirective(over);
  const merged: Record<string, unknown> = { ...base };
  for (const [field, value] of Object.entries(withoutDirective(over))) {
    if (value === null) delete merged[field];
    else if (value !== undefined) define(merged, field, mergeField(field, merged[field], value));
  }
  return merged;
}

/** The image `auto` stands for the mesh's own. */
export function overrideContainer(generated: Container, override: Container): Container {
  const { image, ...rest } = override;
  const isOwnImage = image !== undefined && image !== "" && image !== "auto";
  const own = isOwnImage ? override : { ...rest, imagePullPolicy: ownPullPolicy(rest) };
  return mergeStrategically({ ...generated }, own) as unknown as Container;
}

/** `Always` is what the API server takes for `auto`, which has no tag; of the mesh's image it would say nothing. */
function ownPullPolicy({ imagePullPolicy }: Pick<Container, "imagePullPolicy">) {
  return imagePullPolicy === "Always" ? undefined : imagePullPolicy;
}

function mergeField(field: string, before: unknown, value: unknown): unknown {
  const merge = Object.hasOwn(listMerges, field) ? listMerges[field] : undefined;
  if (merge !== undefined && isListOfFields(value)) {
    return mergeList(isListOfFields(before) ? before : [], value, merge);
  }
  // A probe asks one thing: a new kind of question takes the old one's place.
  if (field.endsWith("Probe")) return value;
  if (!isFields(value)) return value;
  return mergeStrategically(isFields(before) ? before : {}, value);
}

function mergeList(before: readonly Fields[], over: readonly Fields[], { key, items }: ListMerge): Fields[] {
  const merged = [...before];
  for (const item of over) {
    const index = merged.findIndex((other) => other[key] === item[key]);
    const found = merged[index];
    if (item.$patch === "delete") merged.splice(index, found === undefined ? 0 : 1);
    else if (found === undefined) merged.push(mergeStrategically({}, item));
    else merged[index] = items === "merge" ? mergeStrategically(found, item) : withoutDirective(item);
  }
  return merged;
}

function withoutDirective({ $patch: _, ...fields }: Fields): Fields {
  return fields;
}

/** An assignment would take "__proto__" for something else than a field. */
function define(target: Record<string, unknown>, field: string, value: unknown): void {
  Object.defineProperty(target, field, { value, configurable: true, enumerable: true, writable: true });
}

function isListOfFields(value: unknown): value is readonly Fields[] {
  return Array.isArray(value) && value.every(isFields);
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
