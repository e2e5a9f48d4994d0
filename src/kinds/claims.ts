// Claims: which fields of a kind a piece of code implements. The compiler holds each against the kind's schema, and a
// claim is a single leaf: what is below a part is named field by field, so that a new field is never claimed unseen.

import type { Kind, ObjectOf } from "./define-kind.ts";
import type { Schema } from "./schema.ts";

declare const isClaim: unique symbol;

/** `Kind.path`, such as `VirtualService.spec.http[].timeout`. */
export type ClaimedField = string & { readonly [isClaim]: true };

type AnyKind = Pick<Kind, "kind"> & { readonly schema: Schema<unknown> };

/** `claims(kind, paths)`, or `claims(kind, part, names)` for fields of one part of the kind. */
export function claims<const K extends AnyKind>(
  kind: K,
  paths: readonly LeafPath<ObjectOf<K>>[],
): readonly ClaimedField[];
export function claims<const K extends AnyKind, const Part extends string>(
  kind: K,
  part: Part,
  names: readonly Below<LeafPath<ObjectOf<K>>, Part>[],
): readonly ClaimedField[];
export function claims(
  { kind }: AnyKind,
  part: string | readonly string[],
  names: readonly string[] = [],
): readonly ClaimedField[] {
  const paths = typeof part === "string" ? names.map((name) => `${part}.${name}`) : part;
  return paths.map((path) => `${kind}.${path}` as ClaimedField);
}

/** Every leaf of T: a plain value, or a list of them. `[]` stands for each item, `*` for each key of the user's own. */
export type LeafPath<T> = T extends object
  ? { [F in keyof T & string]: `${F}${Rest<T[F]>}` }[keyof T & string]
  : never;

// What leads from a field's value to its leaves: nothing where it is one.
type Rest<T> = unknown extends T ? "" : RestOfSet<Exclude<T, undefined>>;
type RestOfSet<T> = [T] extends [string | number | boolean]
  ? ""
  : [T] extends [readonly (infer Item)[]]
    ? RestOfItems<Rest<Item>>
    : string extends keyof T
      ? `.*${Rest<T[keyof T]>}`
      : [keyof T] extends [never]
        ? ""
        : { [F in keyof T & string]-?: `.${F}${Rest<T[F]>}` }[keyof T & string];
type RestOfItems<R extends string> = [R] extends [""] ? "" : `[]${R}`;

type Below<Path, Part extends string> = Path extends `${Part}.${infer Name}` ? Name : never;
