// Changes a YAML document to hold another value and leaves all else of it as it was written: comments, order, blank lines.

import type { Document } from "yaml";
import { isMap, isScalar, isSeq, visit } from "yaml";
import type { Fields } from "./strategic-merge.ts";
import { isFields } from "./strategic-merge.ts";

/** The document's text with `after` in it. One with aliases is written anew: what they share must not change with it. */
export function editDocument(document: Document.Parsed, after: unknown): string {
  const before: unknown = document.toJS();
  const contents = hasAliases(document)
    ? document.createNode(after, asItIs)
    : edited(document, { node: document.contents, before, after });
  document.contents = contents as typeof document.contents;
  return document.toString({ lineWidth: 0 });
}

/** What two places of the value share is written twice: people read it. */
const asItIs = { aliasDuplicateObjects: false };

function hasAliases(document: Document.Parsed): boolean {
  let isFound = false;
  visit(document, {
    Alias() {
      isFound = true;
      return visit.BREAK;
    },
  });
  return isFound;
}

interface Edit {
  readonly node: unknown;
  readonly before: unknown;
  readonly after: unknown;
}

function edited(document: Document, { node, before, after }: Edit): unknown {
  if (isSame(before, after)) return node;
  // What grows doesn't stay on one line: people read it.
  if (isMap(node) || isSeq(node)) node.flow = false;
  if (isMap(node) && isFields(before) && isFields(after)) {
    for (const key of Object.keys(before)) if (after[key] === undefined) node.delete(key);
    for (const [key, value] of Object.entries(after)) {
      if (value === undefined || isSame(before[key], value)) continue;
      node.set(key, edited(document, { node: node.get(key, true), before: before[key], after: value }));
    }
    return node;
  }
  if (isSeq(node) && Array.isArray(before) && Array.isArray(after)) {
    node.items = after.map((item: unknown, index) => {
      const place = placeOf(item, before, index);
      return edited(document, { node: node.items[place], before: before[place], after: item });
    });
    return node;
  }
  const created = document.createNode(after, asItIs);
  if (isScalar(node) && isScalar(created) && node.comment != null) created.comment = node.comment;
  return created;
}

/** Where the item was: by its name, where it has one. */
function placeOf(item: unknown, before: readonly unknown[], index: number): number {
  const name = isFields(item) ? item.name : undefined;
  if (name === undefined) return index;
  return before.findIndex((other) => isFields(other) && other.name === name);
}

function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((item, index) => isSame(item, other[index]));
  if (!isFields(one) || !isFields(other)) return false;
  const keys = (fields: Fields) => Object.keys(fields).filter((key) => fields[key] !== undefined);
  return keys(one).length === keys(other).length && keys(one).every((key) => isSame(one[key], other[key]));
}
