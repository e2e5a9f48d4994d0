// What an annotation's text may be: each form reads it strictly, and says what is wrong with it where it can't.

import { checkForm } from "../kinds/check-form.ts";
import type { Schema } from "../kinds/schema.ts";
import { list } from "../kinds/schema.ts";

/** `fault` completes "… : FAULT". */
export type ReadValue<T> = { readonly value: T } | { readonly fault: string };

export type AnnotationForm<T> = (text: string) => ReadValue<T>;

export const anyText: AnnotationForm<string> = (text) => ({ value: text });

export function oneOf<const V extends readonly string[]>(...values: V): AnnotationForm<V[number]> {
  const wanted = `wanted ${values.map((value) => `"${value}"`).join(", ")}`;
  return (text) => {
    const value = values.find((known) => known === text);
    return value === undefined ? { fault: wanted } : { value };
  };
}

export const yesOrNo: AnnotationForm<boolean> = (text) => {
  if (text === "true" || text === "false") return { value: text === "true" };
  return { fault: 'wanted "true" or "false"' };
};

export function wholeNumber(minimum: number, maximum: number): AnnotationForm<number> {
  return (text) => {
    const value = Number(text);
    const isInRange = /^\d{1,10}$/.test(text) && value >= minimum && value <= maximum;
    return isInRange ? { value } : { fault: `wanted a whole number from ${minimum} to ${maximum}` };
  };
}

const QUANTITY = /^\+?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,2}|[numkMGTPE]|[KMGTPE]i)?$/;

/** Kubernetes' resource.Quantity, but nothing below zero: the API server would refuse the pod without a word on why. */
export const quantityText: AnnotationForm<string> = (text) =>
  QUANTITY.test(text) ? { value: text } : { fault: 'wanted a quantity such as "100m", "0.5" or "128Mi"' };

/** Comma-separated; blanks around words don't count, and no words are none. */
export const wordList: AnnotationForm<readonly string[]> = (text) => ({
  value: text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== ""),
});

export interface ScrapeTargetText {
  readonly port: string;
  readonly path: string;
}

/** Comma-separated `port:path`, the path `/metrics` where it is missing; no port that the proxy has itself. */
export const scrapeTargets: AnnotationForm<readonly ScrapeTargetText[]> = (text) => {
  const { value: words } = wordList(text) as { readonly value: readonly string[] };
  const targets: ScrapeTargetText[] = [];
  for (const word of words) {
    const [, port = "", path = ""] = /^(\d{1,5})\s*(?::\s*(\S*))?$/.exec(word) ?? [];
    if (port === "" || Number(port) < 1 || Number(port) > 65_535) {
      return { fault: `"${word}" isn't PORT:PATH, such as "9102:/metrics"` };
    }
    const owner = proxyPorts.get(Number(port));
    if (owner !== undefined) return { fault: `port ${Number(port)} is the proxy's own (${owner})` };
    if (path !== "" && !path.startsWith("/"))
      return { fault: `the path of "${word}" doesn't begin with "/"` };
    targets.push({ port: `${Number(port)}`, path: path === "" ? "/metrics" : path });
  }
  return { value: targets };
};

const proxyPorts: ReadonlyMap<number, string> = new Map([
  [15000, "Envoy's admin interface"],
  [15001, "outbound traffic"],
  [15004, "debug pages"],
  [15006, "inbound traffic"],
  [15008, "HBONE"],
  [15020, "the agent, whose metrics are merged anyway"],
  [15021, "readiness"],
  [15053, "DNS"],
  [15090, "Envoy's metrics, which are merged anyway"],
]);

/** JSON of the schema's form, checked to the last field. */
export function json<T>(schema: Schema<T>): AnnotationForm<T> {
  return (text) => {
    const read = parseJson(text);
    if ("fault" in read) return read;
    const { findings, value } = checkForm(schema, read.value, { warnsOfNull: true });
    const [first] = findings;
    if (first === undefined) return { value: value as T };
    return { fault: [first.path, first.message].filter((part) => part !== "").join(": ") };
  };
}

/** A JSON list of things with names, or an object of them by name: Istio's reference says the one, its template reads the other. */
export function namedJson<T>(schema: Schema<T>): AnnotationForm<readonly T[]> {
  const form = json(list(schema));
  return (text) => {
    const read = parseJson(text);
    if ("fault" in read || Array.isArray(read.value) || !isRecord(read.value)) return form(text);
    const named = Object.entries(read.value).map(([name, value]) => ({ name, ...(value as object) }));
    return form(JSON.stringify(named));
  };
}

function parseJson(text: string): ReadValue<unknown> {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { fault: `it isn't JSON (${(error as Error).message})` };
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
