// In what object each field can matter, and which values it can have where any won't do. The first entry whose pattern
// fits a field counts. A field that isn't here is set in its kind's base object, to values made from the schema.

import { parseDocument } from "yaml";

export interface FieldSetting {
  /** Of `Kind.path`. */
  readonly fields: RegExp;
  /** The object's spec in which the field is set; the kind's base where it isn't said. */
  readonly spec?: unknown;
  readonly values?: readonly unknown[];
  /** Values that are an error each, where the field can have no other. */
  readonly refused?: readonly unknown[];
  /** Whole specs to compare, where the field is nothing by itself: a share of a sum, one of a pair. */
  readonly specs?: readonly (readonly [value: unknown, spec: unknown])[];
  /** Enum values that mean the same. */
  readonly same?: readonly (readonly unknown[])[];
  /** What the mesh has in addition, as YAML documents. */
  readonly beside?: string;
  /** A stream is ended by one of the values: it isn't any more what its proxy says it is. */
  readonly endsStreams?: true;
  /** Where the effect is seen instead, because nothing here shows it. */
  readonly provenBy?: NamedTest;
}

/** A test that fails without the field's effect. */
export interface NamedTest {
  /** Relative to the project's root. */
  readonly file: string;
  readonly test: string;
  readonly because: string;
}

export interface KindSettings {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  /** `spec`, here and in the settings, is all that the object has beside its metadata: the kind has no spec. */
  readonly isFlat?: true;
  readonly spec: unknown;
  readonly settings: readonly FieldSetting[];
}

export function yaml(text: string): unknown {
  return parseDocument(text).toJS();
}

export function each<T>(
  values: readonly T[],
  specOf: (value: T) => unknown,
): readonly (readonly [T, unknown])[] {
  return values.map((value) => [value, specOf(value)]);
}
