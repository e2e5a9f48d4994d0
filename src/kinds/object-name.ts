// The rules for names, namespaces and labels of objects, as the Kubernetes API server applies them.

import { childPath } from "../core/field-path.ts";
import type { Finding, KubernetesObject } from "./define-kind.ts";

const dnsLabel = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
const dnsSubdomain = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const labelName = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

// These become DNS labels, so their names hold no dot.
const kindsNamedByLabel: ReadonlySet<string> = new Set(["Namespace", "Service"]);

/** Checks `metadata` of an object whose form is right. */
export function* checkMetadata({ kind, metadata }: KubernetesObject): Iterable<Finding> {
  const { name, namespace, labels = {} } = metadata;
  const isLabel = kindsNamedByLabel.has(kind);
  if (isLabel ? !isDnsLabel(name) : !isDnsSubdomain(name)) {
    const wanted = isLabel
      ? "lower-case letters, digits and inner hyphens, at most 63 characters"
      : "lower-case letters, digits, inner hyphens and dots, at most 253 characters";
    yield { path: "metadata.name", message: `"${name}" isn't a name, wanted ${wanted}` };
  }
  if (namespace !== undefined && !isDnsLabel(namespace)) {
    yield {
      path: "metadata.namespace",
      message: `"${namespace}" isn't a namespace's name, wanted lower-case letters, digits and inner hyphens`,
    };
  }
  for (const [key, value] of Object.entries(labels)) yield* checkLabel(key, value, "metadata.labels");
}

/** Checks one label, which stands in the map at `path`. */
export function* checkLabel(key: string, value: string, path: string): Iterable<Finding> {
  const [name = "", prefix, ...more] = key.split("/").reverse();
  const isKey = isLabelName(name) && (prefix === undefined || isDnsSubdomain(prefix)) && more.length === 0;
  if (!isKey) yield { path: childPath(path, key), message: `"${key}" can't be a label's name` };
  if (value !== "" && !isLabelName(value)) {
    yield {
      path: childPath(path, key),
      message: `"${value}" can't be a label's value, wanted at most 63 letters, digits, "-", "_" and "."`,
    };
  }
}

function isLabelName(text: string) {
  return text.length <= 63 && labelName.test(text);
}

export function isDnsLabel(text: string): boolean {
  return text.length <= 63 && dnsLabel.test(text);
}

export function isDnsSubdomain(text: string): boolean {
  return text.length <= 253 && dnsSubdomain.test(text);
}
