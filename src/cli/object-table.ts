// Objects of a kind as a table: the kind's own columns, and how far each has come where its status says it.

import type { Column, Kind, KubernetesObject } from "../kinds/define-kind.ts";
import { formatAge, renderTable } from "./table.ts";

/** `nowMs`: for the ages of objects that say when they were created; those of a file don't. */
export function objectTable(kind: Kind, objects: readonly KubernetesObject[], nowMs: number): string {
  const isNamespaced = kind.scope === "Namespaced";
  const conditions = conditionTypes.filter((type) => objects.some((object) => conditionOf(object, type)));
  const titles = [
    ...(isNamespaced ? ["NAMESPACE"] : []),
    "NAME",
    ...[...kind.columns.map(({ title }) => title), ...conditions, "Age"].map((title) => title.toUpperCase()),
  ];
  const rows = objects.map((object) => [
    ...(isNamespaced ? [object.metadata.namespace] : []),
    object.metadata.name,
    ...kind.columns.map((column) => columnText(object, column)),
    ...conditions.map((type) => conditionText(conditionOf(object, type))),
    ageText(object, nowMs),
  ]);
  return renderTable(titles, rows);
}

function columnText(object: KubernetesObject, { path, outOf, otherwise }: Column): string | undefined {
  const text = cellText(valueAt(object, path));
  if (outOf === undefined) return text ?? otherwise;
  return `${text ?? 0}/${cellText(valueAt(object, outOf)) ?? 1}`;
}

function ageText({ metadata }: KubernetesObject, nowMs: number): string | undefined {
  const createdMs = Date.parse(metadata.creationTimestamp ?? "");
  return Number.isNaN(createdMs) ? undefined : formatAge(nowMs - createdMs);
}

interface Condition {
  readonly type?: string;
  readonly status?: string;
  readonly reason?: string;
  readonly message?: string;
}

/** What a control plane in a cluster writes into the status of an object. */
const conditionTypes = ["Accepted", "Programmed"] as const;
type ConditionType = (typeof conditionTypes)[number];

function conditionOf({ status }: KubernetesObject, wanted: ConditionType): Condition | undefined {
  const { conditions } = (status ?? {}) as { readonly conditions?: readonly Condition[] };
  return conditions?.find(({ type }) => type === wanted);
}

/** How far it is programmed is in the message: `41 of 42 proxies`, `all proxies have it`. */
function conditionText(condition: Condition | undefined): string | undefined {
  if (condition?.type === "Programmed" && condition.reason !== "NotAccepted") return condition.message;
  if (condition?.status === "True" && condition.reason === condition.type) return "True";
  return condition === undefined ? undefined : `${condition.status} (${condition.reason})`;
}

function valueAt(object: unknown, path: string): unknown {
  let value = object;
  for (const field of path.split(".")) {
    const isList = field.endsWith("[]");
    const name = isList ? field.slice(0, -2) : field;
    value =
      typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  }
  return value;
}

function cellText(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value)) return value.map((item) => cellText(item) ?? "").join(",");
  return typeof value === "object" ? objectText(value) : String(value);
}

/** Ports as `kubectl` writes them; selectors and the like as `key=value`. */
function objectText(value: object): string {
  const { port, protocol } = value as { readonly port?: unknown; readonly protocol?: unknown };
  if (typeof port === "number") return `${port}/${protocol ?? "TCP"}`;
  const pairs = Object.entries(value).map(([key, each]) => `${key}=${cellText(each) ?? ""}`);
  return pairs.join(",");
}
