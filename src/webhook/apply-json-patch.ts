// For tests: applies a JSON Patch as an API server does, strictly by RFC 6902, and knows only add, replace and remove.

import type { JsonPatch } from "./json-patch.ts";

/** Returns a new value; throws where a path doesn't lead to what it must lead to. */
export function applyJsonPatch(value: unknown, patch: JsonPatch): unknown {
  // A holder above the document, so that a path to the whole of it is nothing special.
  const holder = { document: structuredClone(value) };
  for (const operation of patch) {
    const parts = ["document", ...operation.path.split("/").slice(1).map(unescaped)];
    const last = parts.pop() ?? "";
    const parent = parts.reduce<unknown>(step, holder);
    change(parent, last, operation);
  }
  return holder.document;
}

function step(value: unknown, part: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) {
    throw new Error(`There is nothing at "${part}"`);
  }
  return (value as Record<string, unknown>)[part];
}

function change(parent: unknown, part: string, operation: JsonPatch[number]): void {
  if (operation.op !== "add") step(parent, part);
  const value = operation.op === "remove" ? undefined : structuredClone(operation.value);
  if (Array.isArray(parent)) {
    const index = Number(part);
    if (index > parent.length) throw new Error(`${part} is beyond the list`);
    const inserted = operation.op === "remove" ? [] : [value];
    parent.splice(index, operation.op === "add" ? 0 : 1, ...inserted);
  } else if (operation.op === "remove") {
    delete (parent as Record<string, unknown>)[part];
  } else {
    // An assignment would take "__proto__" for something else than a field.
    Object.defineProperty(parent, part, { value, configurable: true, enumerable: true, writable: true });
  }
}

function unescaped(part: string): string {
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}
