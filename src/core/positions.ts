// Where each field of one object stands in its file: plain JSON, so that it can go from process to process
// beside the object. Kept in side tables; never part of the object or of generated config.

import { pathSteps } from "./field-path.ts";
import type { Location } from "./location.ts";
import type { ObjectKey } from "./object-key.ts";

/** A field stands where its name does, a list's item where it begins. Lines and columns count from 1. */
export type PositionNode = readonly [
  line: number,
  column: number,
  children?: Readonly<Record<string, PositionNode>> | readonly PositionNode[],
];

export interface Positions {
  readonly file: string;
  /** The file's line that line 1 of `root` is: text that moves as a whole keeps its tree. 1 where absent. */
  readonly firstLine?: number;
  readonly root: PositionNode;
}

/** An object whose text lies elsewhere now, and says the same. */
export interface MovedObject {
  readonly key: ObjectKey;
  readonly file: string;
  readonly firstLine: number;
}

export function movedPositions({ root }: Positions, { file, firstLine }: MovedObject): Positions {
  return { file, firstLine, root };
}

export function moveOf(key: ObjectKey, { file, firstLine = 1 }: Positions): MovedObject {
  return { key, file, firstLine };
}

/** The place of a field, or of the nearest field around it that is in the file. */
export function locate({ file, firstLine = 1, root }: Positions, path: string): Location {
  let node = root;
  for (const step of pathSteps(path)) {
    const child = childOf(node, step);
    if (child === undefined) break;
    node = child;
  }
  return { file, line: firstLine - 1 + node[0], column: node[1] };
}

/** The tree below a field, for an object that is part of another, such as an item of a List. */
export function subtree(node: PositionNode, steps: readonly (string | number)[]): PositionNode {
  return steps.reduce<PositionNode>((parent, step) => childOf(parent, step) ?? parent, node);
}

function childOf([, , children]: PositionNode, step: string | number): PositionNode | undefined {
  const isThere = children !== undefined && Object.prototype.propertyIsEnumerable.call(children, step);
  if (!isThere) return undefined; // Not "length" of a list, nor what every object has.
  return (children as Readonly<Record<string | number, PositionNode>>)[step];
}
