// Lays the user's own `istio-proxy` container over the generated one, by Kubernetes' strategic merge:
// plain fields replace, objects merge, and lists merge by the key of their items.

import type { Container } from "../kinds/pod/container.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The list fields of a container whose items have a key; other lists are replaced whole. */
const listKeys: Readonly<Record<string, string>> = {
  env: "name",
  ports: "containerPort",
  volumeMounts: "mountPath",
};

/** The image `auto` stands for the mesh's own. */
export function overrideContainer(generated: Container, override: Container): Container {
  const { image, ...rest } = override;
  const isOwnImage = image !== undefined && image !== "" && image !== "auto";
  const merged = { ...mergeFields({ ...generated }, rest), ...(isOwnImage ? { image } : {}) };
  return merged as unknown as Container;
}

function mergeFields(base: Fields, over: Fields): Fields {
  const merged: Record<string, unknown> = { ...base };
  for (const [field, value] of Object.entries(over)) merged[field] = mergeField(field, base[field], value);
  return merged;
}

function mergeField(field: string, before: unknown, value: unknown): unknown {
  const key = listKeys[field];
  if (key !== undefined && Array.isArray(before) && Array.isArray(value))
    return mergeList(before, value, key);
  // A probe asks one thing: a new kind of question takes the old one's place.
  if (field.endsWith("Probe")) return value;
  return isFields(before) && isFields(value) ? mergeFields(before, value) : value;
}

function mergeList(before: readonly Fields[], over: readonly Fields[], key: string): Fields[] {
  const replaced = before.map((item) => over.find((other) => other[key] === item[key]) ?? item);
  const added = over.filter((item) => !before.some((other) => other[key] === item[key]));
  return [...replaced, ...added];
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
