// A kind is a declaration: watchers, file loading, admission, CRDs, CLI columns and docs all read it.
// It does no I/O and knows no object.

import type { ProblemCode, Severity } from "../core/problem-catalogue.ts";
import type { Admission } from "./admission.ts";
import type { ObjectMeta } from "./object-meta.ts";
import { objectMeta } from "./object-meta.ts";
import type { Fields, RequiredOf, Schema, TypeOf } from "./schema.ts";
import { message, text } from "./schema.ts";

/** `Pseudo`: an object of Meltemi's own making that no API server knows, such as MeshConfig. */
export type Scope = "Namespaced" | "Cluster" | "Pseudo";

/**
 * What the control plane does with a kind's objects beside checking them. `modeled`: config follows from them, so the
 * model has a table of them. `enforced`: they are policies with a selector or targets, modeled, and the proxies of the
 * workloads that they choose enforce them. `endpoints`: they say where traffic can go, and their changes are committed sooner.
 * `followed`: in a cluster all of them are watched; kinds of the mesh always are. `names-secrets`: the Secrets that
 * they name are followed in a cluster.
 */
export type KindRole = "modeled" | "enforced" | "endpoints" | "followed" | "names-secrets";

/** Any object, where its kind doesn't matter. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

/** What a rule finds in an object; the loader makes a Problem of it. */
export interface Finding {
  /** Where, such as `spec.http[0].route[1].weight`. */
  readonly path: string;
  readonly message: string;
  readonly hint?: string;
  /** MLT1005 (a value isn't allowed there) unless said otherwise. */
  readonly code?: ProblemCode;
  readonly severity?: Severity;
}

/** Checks what a schema can't say. Pure: it sees one object, whose form is right already. */
export type Rule<T> = (object: T) => Iterable<Finding>;

/** Names another object, such as `{ path: "spec.gateways[]", kind: "Gateway" }`. */
export interface Reference {
  readonly path: string;
  readonly kind: string;
}

/** A column of `meltemi get`. */
export interface Column {
  readonly title: string;
  readonly path: string;
  /** Shown as `2/3`: how many there are of how many there should be, which is 1 unless it is written. */
  readonly outOf?: string;
  /** Shown where nothing is written: the API's default. */
  readonly otherwise?: string;
}

interface Declaration<
  K extends string,
  S extends Scope,
  O extends Fields,
  R extends Fields,
  Role extends KindRole,
> {
  readonly kind: K;
  /** Empty for the core group. */
  readonly group: string;
  readonly versions: { readonly served: readonly [string, ...string[]]; readonly storage: string };
  readonly plural: string;
  readonly shortNames?: readonly string[];
  readonly scope: S;
  /** None unless said. */
  readonly roles?: readonly Role[];
  /** Top-level fields beside apiVersion, kind and metadata. */
  readonly fields: O;
  /** Top-level fields that must be there. */
  readonly requiredFields?: R;
  readonly references?: readonly Reference[];
  readonly columns?: readonly Column[];
  readonly rules?: readonly Rule<ObjectFrom<K, S, O, R>>[];
  /** One sentence, for those who ask the API server to explain the kind. */
  readonly description?: string;
  readonly admission?: Admission;
}

type ObjectFrom<K extends string, S extends Scope, O extends Fields, R extends Fields> = {
  readonly apiVersion: string;
  readonly kind: K;
  readonly metadata: S extends "Namespaced" ? ObjectMeta & { readonly namespace: string } : ObjectMeta;
} & RequiredOf<R> & { readonly [F in keyof O]?: TypeOf<O[F]> };

export interface Kind<T = KubernetesObject, K extends string = string, Role extends KindRole = KindRole> {
  readonly kind: K;
  readonly group: string;
  readonly versions: { readonly served: readonly string[]; readonly storage: string };
  /** With the group: `networking.istio.io/v1`; what objects carry after loading. */
  readonly apiVersion: string;
  readonly plural: string;
  readonly shortNames: readonly string[];
  readonly scope: Scope;
  readonly roles: readonly Role[];
  /** Of the whole object. */
  readonly schema: Schema<T>;
  readonly references: readonly Reference[];
  readonly columns: readonly Column[];
  readonly description: string;
  /** What its custom resource definition says beside the schema. */
  readonly admission: Admission;
  /** Runs the rules over an object whose form is right. */
  check(object: T): Iterable<Finding>;
}

/** The type of a kind's objects after loading. */
export type ObjectOf<K> = K extends { readonly schema: Schema<infer T> } ? T : never;

/** Completes a declaration: the schema of the whole object and the defaults of what was left out. */
export function defineKind<
  const K extends string,
  const S extends Scope,
  const O extends Fields,
  const R extends Fields = Record<never, never>,
  const Role extends KindRole = never,
>(declaration: Declaration<K, S, O, R, Role>): Kind<ObjectFrom<K, S, O, R>, K, Role> {
  const { kind, group, versions, plural, scope, fields, requiredFields } = declaration;
  const schema = message(fields, {
    required: { apiVersion: text(), kind: text(), metadata: objectMeta, ...requiredFields },
  });
  return {
    kind,
    group,
    versions,
    apiVersion: apiVersionOf(group, versions.storage),
    plural,
    shortNames: declaration.shortNames ?? [],
    scope,
    roles: declaration.roles ?? [],
    schema: schema as unknown as Schema<ObjectFrom<K, S, O, R>>,
    references: declaration.references ?? [],
    columns: declaration.columns ?? [],
    description: declaration.description ?? "",
    admission: declaration.admission ?? {},
    *check(object) {
      for (const rule of declaration.rules ?? []) yield* rule(object);
    },
  };
}

/** `v1` for the core group, else `GROUP/VERSION`. */
export function apiVersionOf(group: string, version: string): string {
  return group === "" ? version : `${group}/${version}`;
}

/** Whether users configure the mesh by it, so that revisions, admission and status apply. */
export function isMeshKind({ group }: Pick<Kind, "group">): boolean {
  return group === "istio.io" || group.endsWith(".istio.io");
}
