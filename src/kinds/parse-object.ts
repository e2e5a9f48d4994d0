// From a plain value, as YAML or JSON gives it, to an object of a known kind with what is wrong with it.
// It reads no file and knows no place; whoever calls adds those to the findings.

import { parentPath } from "../core/field-path.ts";
import { spellingHint } from "../core/nearest-spelling.ts";
import type { ObjectKey } from "../core/object-key.ts";
import { objectKey } from "../core/object-key.ts";
import { problemCatalogue } from "../core/problem-catalogue.ts";
import { quoted } from "../core/quoted.ts";
import { findKind, kindByName, kinds } from "./all-kinds.ts";
import { checkBounds } from "./check-bounds.ts";
import { checkForm } from "./check-form.ts";
import type { Finding, Kind, KubernetesObject } from "./define-kind.ts";
import { apiVersionOf } from "./define-kind.ts";
import { matchingFields } from "./field-pattern.ts";
import { findInertKind, inertKinds } from "./inert-kinds.ts";
import { checkMetadata } from "./object-name.ts";
import type { Schema } from "./schema.ts";
import { unimplementedFields } from "./unimplemented-fields.ts";

export const DEFAULT_NAMESPACE = "default";

export interface ParsedObject {
  /** Absent where an error was found, or the kind is inert. */
  readonly object?: KubernetesObject;
  /** There as soon as kind and name can be read, even if the object has errors. */
  readonly key?: ObjectKey;
  /** A known kind without effect: its findings say so, and nothing else was checked. */
  readonly isInert?: boolean;
  readonly findings: readonly Finding[];
}

/** The result's `apiVersion` is the storage version, and a namespaced object has a namespace. */
export function parseObject(value: unknown): ParsedObject {
  if (!isRecord(value)) {
    return refused("", "found no object here, wanted one with apiVersion, kind and metadata");
  }
  const { apiVersion, kind: kindName } = value;
  if (typeof apiVersion !== "string")
    return refused("apiVersion", "the object has no apiVersion", apiVersionHint(value));
  if (typeof kindName !== "string") return refused("kind", "the object has no kind");
  const kind = findKind(apiVersion, kindName);
  return kind === undefined ? parseForeign(apiVersion, kindName) : parseKnown(kind, value);
}

function parseKnown(kind: Kind, value: Record<string, unknown>): ParsedObject {
  const key = keyOf(kind, value);
  const form = checkForm(kind.schema as Schema<unknown>, value, {
    isSecret: kind.kind === "Secret",
    warnsOfNull: kind.group.endsWith("istio.io"),
  });
  const findings = [...form.findings];
  if (!findings.some(isError) && !hasName(form.value)) {
    findings.push({ code: "MLT1006", path: "metadata.name", message: '"name" is required' });
  }
  if (findings.some(isError)) return { findings, ...(key === undefined ? {} : { key }) };
  const object = completed(kind, form.value as KubernetesObject);
  if (kind.scope === "Cluster" && isRecord(value.metadata) && value.metadata.namespace !== undefined) {
    const message = `a ${kind.kind} belongs to no namespace, so this has no effect`;
    findings.push({ severity: "warning", path: "metadata.namespace", message });
  }
  findings.push(
    ...firstFindings(checkMetadata(object)),
    ...firstFindings(kind.check(object)),
    ...firstFindings(unimplemented(object)),
  );
  const refusedPaths = new Set(findings.filter(isError).map(({ path }) => path));
  const beyondBounds = firstFindings(checkBounds(kind.admission, object));
  findings.push(...beyondBounds.filter(({ path }) => !refusedPaths.has(path)));
  const isInForce = key !== undefined && !findings.some(isError);
  return { findings, ...(key === undefined ? {} : { key }), ...(isInForce ? { object } : {}) };
}

const MAX_FINDINGS = 100;

/**
 * The first hundred errors, and the first hundred warnings before the last of them, in words of bounded length: an object may
 * be made so that it has a million.
 */
export function firstFindings(all: Iterable<Finding>): readonly Finding[] {
  const counts = { error: 0, other: 0 };
  const found: Finding[] = [];
  for (const finding of all) {
    const sort = isError(finding) ? "error" : "other";
    counts[sort] += 1;
    if (counts[sort] <= MAX_FINDINGS) found.push(shortened(finding));
    if (counts.error === MAX_FINDINGS) break;
  }
  return found;
}

const MAX_PATH_LENGTH = 500;
const MAX_MESSAGE_LENGTH = 1_000;

function shortened(finding: Finding): Finding {
  const { path, message, hint } = finding;
  return {
    ...finding,
    path: path.length > MAX_PATH_LENGTH ? `${path.slice(0, MAX_PATH_LENGTH)}…` : path,
    message: withoutMiddle(message),
    ...(hint === undefined ? {} : { hint: withoutMiddle(hint) }),
  };
}

/** Messages quote what was found, and say at their end what was wanted. */
function withoutMiddle(text: string): string {
  if (text.length <= MAX_MESSAGE_LENGTH) return text;
  const half = MAX_MESSAGE_LENGTH / 2;
  return `${text.slice(0, half)} … ${text.slice(-half)}`;
}

/** Whether it keeps the object out of force. */
export function isError({ severity, code = "MLT1005" }: Finding): boolean {
  return (severity ?? problemCatalogue[code].severity) === "error";
}

function hasName(value: unknown): boolean {
  return ((value as KubernetesObject).metadata.name ?? "") !== "";
}

function completed(kind: Kind, object: KubernetesObject): KubernetesObject {
  const { namespace, ...metadata } = object.metadata;
  const place = kind.scope === "Namespaced" ? { namespace: namespace || DEFAULT_NAMESPACE } : {};
  return { ...object, apiVersion: kind.apiVersion, metadata: { ...metadata, ...place } };
}

function keyOf(kind: Kind, { metadata }: Record<string, unknown>): ObjectKey | undefined {
  if (!isRecord(metadata)) return undefined;
  const { name, namespace = DEFAULT_NAMESPACE } = metadata;
  if (typeof name !== "string" || name === "" || name.includes("/")) return undefined;
  if (kind.scope !== "Namespaced") return objectKey({ kind: kind.kind, namespace: "", name });
  if (typeof namespace !== "string" || namespace.includes("/")) return undefined;
  return objectKey({ kind: kind.kind, namespace: namespace || DEFAULT_NAMESPACE, name });
}

const MAX_NAMED = 20;

/** What is set in the object and has no effect yet: one finding for all fields of a message that wait for the same. */
export function unimplemented(object: KubernetesObject): Finding[] {
  const fieldsByReason = new Map<string, string[]>();
  for (const { kind, pattern, reason, harmlessValue, onlyValue } of unimplementedFields) {
    if (kind !== object.kind) continue;
    for (const { path, value } of matchingFields(object, pattern)) {
      if (value === harmlessValue || (onlyValue !== undefined && value !== onlyValue)) continue;
      const key = JSON.stringify([parentPath(path), reason, onlyValue]);
      const paths = fieldsByReason.get(key);
      if (paths === undefined) fieldsByReason.set(key, [path]);
      else paths.push(path);
    }
  }
  return [...fieldsByReason].map(([key, paths]) => {
    const [parent = "", reason = "", onlyValue] = JSON.parse(key) as string[];
    const [path = ""] = paths;
    const what = typeof onlyValue === "string" ? quoted(onlyValue) : "this field";
    if (paths.length === 1)
      return { code: "MLT1009", path, message: `${what} is known but has no effect yet: ${reason}` };
    const names = paths.slice(0, MAX_NAMED).map((each) => each.slice(parent.length).replace(/^\./, ""));
    const others = paths.length > MAX_NAMED ? ` and ${paths.length - MAX_NAMED} others` : "";
    const message = `${names.join(", ")}${others} are known but have no effect yet: ${reason}`;
    return { code: "MLT1009", path, message };
  });
}

function parseForeign(apiVersion: string, kindName: string): ParsedObject {
  const inert = findInertKind(apiVersion, kindName);
  if (inert !== undefined) {
    const message = `kind ${kindName} of ${apiVersion} has no effect here`;
    return {
      isInert: true,
      findings: [{ code: "MLT1011", severity: inert.severity, path: "kind", message }],
    };
  }
  const sameName = kindByName.get(kindName);
  if (sameName?.scope === "Pseudo") {
    const message = `a ${kindName} is no object of its own`;
    const hint = `write it as the text "mesh" of the ConfigMap "istio" in namespace "istio-system", or give its file to --mesh-config`;
    return refused("kind", message, hint);
  }
  if (sameName !== undefined) {
    const served = sameName.versions.served.map((version) => apiVersionOf(sameName.group, version));
    const message = `found ${quoted(apiVersion)} as the apiVersion of a ${kindName}, wanted ${served.join(" or ")}`;
    return refused("apiVersion", message, spellingHint(apiVersion, served));
  }
  const names = [...kinds.filter(({ scope }) => scope !== "Pseudo"), ...inertKinds].map(({ kind }) => kind);
  return refused(
    "kind",
    `there is no kind ${quoted(kindName)} of ${apiVersion.slice(0, 80)} here`,
    spellingHint(kindName, names),
  );
}

function apiVersionHint(value: Record<string, unknown>) {
  const known = typeof value.kind === "string" ? kindByName.get(value.kind) : undefined;
  if (known !== undefined) return `a ${known.kind} has "apiVersion: ${known.apiVersion}"`;
  return spellingHint("apiVersion", Object.keys(value));
}

function refused(path: string, message: string, hint?: string): ParsedObject {
  return { findings: [{ code: "MLT1002", path, message, ...(hint === undefined ? {} : { hint }) }] };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
