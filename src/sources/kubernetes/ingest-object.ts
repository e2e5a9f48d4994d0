// What is kept of an object that the API server sends: picked fields of Kubernetes' own kinds, which the server has
// checked, and whole objects of Istio's, which are checked here, since no webhook may have seen them.
// No null gets past: Go programs write it for what isn't there, also for lists that are required.

import { assertNever } from "../../core/assert-never.ts";
import { objectKey } from "../../core/object-key.ts";
import { type Problem, problem } from "../../core/problem.ts";
import { kindByName } from "../../kinds/all-kinds.ts";
import { parseForMesh } from "../../kinds/authorization-policy/refused-policy.ts";
import type { KubernetesObject } from "../../kinds/define-kind.ts";
import type { IngestedObject } from "./ingested-object.ts";
import type { InternPool } from "./intern-pool.ts";
import { type LeafProjection, type Projection, projections } from "./projections.ts";
import type { RawObject } from "./raw-object.ts";

export function ingestObject(raw: RawObject, pool: InternPool): IngestedObject {
  const pick = pickerOf(raw.kind ?? "");
  if (pick === undefined) return ingestChecked(raw);
  const { apiVersion, kind } = raw;
  const picked = pick(raw, pool) as object;
  return { object: { apiVersion, kind, ...picked } as KubernetesObject };
}

/** What is kept of a value; undefined for nothing. */
type Picker = (value: unknown, pool: InternPool) => unknown;

const pickers = new Map<string, Picker>();

/** Undefined for kinds that are kept whole. */
function pickerOf(kind: string): Picker | undefined {
  const known = pickers.get(kind);
  if (known !== undefined) return known;
  const projection = projections.get(kind);
  if (projection === undefined) return undefined;
  const picker = makePicker(projection, formOf(kind));
  pickers.set(kind, picker);
  return picker;
}

/** As much of a kind's schema as says what must be there. */
interface Form {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Form>>;
  readonly patternProperties?: object;
  readonly items?: Form;
  readonly required?: readonly string[];
}

const anyForm: Form = {};

function formOf(kind: string): Form {
  return (kindByName.get(kind)?.schema as Form | undefined) ?? anyForm;
}

/** What follows depends on the object alone, so that every replica leaves out the same. */
function ingestChecked({ status: _, ...raw }: RawObject): IngestedObject {
  const { object, standIn, findings } = parseForMesh({ ...raw, metadata: lastingMetadata(raw.metadata) });
  const { name, namespace } = raw.metadata;
  const key = objectKey({ kind: raw.kind ?? "", namespace: namespace ?? "", name });
  // Without them more is open, or everything closed.
  const isOfSecurity = raw.apiVersion?.startsWith("security.istio.io/") === true;
  const problems: Problem[] = findings.map(({ code = "MLT1005", ...rest }) =>
    problem(code, { ...rest, object: key }),
  );
  return {
    ...(object !== undefined && { object }),
    ...(standIn !== undefined && { object: standIn }),
    ...(problems.length > 0 && { problems }),
    ...(object === undefined && isOfSecurity && { refusedUid: raw.metadata.uid ?? "" }),
  };
}

/** Without what changes at every write, or repeats the whole object. */
function lastingMetadata(metadata: RawObject["metadata"]): object {
  const {
    managedFields: _,
    resourceVersion: __,
    annotations,
    ...lasting
  } = metadata as RawObject["metadata"] & {
    readonly managedFields?: unknown;
  };
  return annotations == null ? lasting : { ...lasting, annotations: ownAnnotations(annotations) };
}

function makePicker(projection: Projection, form: Form): Picker {
  if (typeof projection === "string") return leafPicker(projection, form);
  return isListProjection(projection)
    ? listPicker(makePicker(projection[0], form.items ?? anyForm))
    : fieldsPicker(projection, form);
}

function listPicker(pickItem: Picker): Picker {
  return (value, pool) => {
    if (!Array.isArray(value)) return undefined;
    // An array that grows by push() keeps room for 16 more, which in 10,000 pods are 8 MB.
    const present = value.some(isAbsent) ? value.filter((item) => !isAbsent(item)) : value;
    return present.map((item) => pickItem(item, pool));
  };
}

function fieldsPicker(projection: { readonly [field: string]: Projection }, form: Form): Picker {
  const fields = Object.entries(projection).map(([name, inner]) => ({
    name,
    whenAbsent: absentValue(form, name),
    pick: makePicker(inner, form.properties?.[name] ?? anyForm),
  }));
  return (value, pool) => {
    const picked: Record<string, unknown> = {};
    for (const { name, whenAbsent, pick } of fields) {
      const found = (value as Record<string, unknown>)[name] ?? whenAbsent?.();
      if (isAbsent(found)) continue;
      const kept = pick(found, pool);
      if (kept !== undefined) picked[name] = kept;
    }
    return picked;
  };
}

function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

/** What Go reads where a required field is missing; undefined for any other. */
function absentValue({ required, properties }: Form, field: string): (() => unknown) | undefined {
  if (required?.includes(field) !== true) return undefined;
  const { type } = properties?.[field] ?? anyForm;
  switch (type) {
    case "array":
      return () => [];
    case "object":
      return () => ({});
    case "string":
      return () => "";
    case "integer":
    case "number":
      return () => 0;
    default:
      return undefined;
  }
}

function isListProjection(projection: Projection): projection is readonly [Projection] {
  return Array.isArray(projection);
}

function leafPicker(leaf: LeafProjection, form: Form): Picker {
  switch (leaf) {
    case "keep":
      return form.patternProperties === undefined ? (value) => value : texts;
    case "shared":
      return (value, pool) => (typeof value === "string" ? pool.string(value) : value);
    case "labels":
      return (value, pool) => pool.record(texts(value));
    case "annotations":
      return (value, pool) => {
        const own = ownAnnotations(texts(value));
        return Object.keys(own).length === 0 ? undefined : pool.record(own);
      };
    default:
      return assertNever(leaf);
  }
}

/** Kubernetes reads nothing as empty text in a map. */
function texts(value: unknown): Readonly<Record<string, string>> {
  const map = value as Readonly<Record<string, string | null>>;
  if (!Object.values(map).includes(null)) return map as Readonly<Record<string, string>>;
  return Object.fromEntries(Object.entries(map).map(([key, text]) => [key, text ?? ""]));
}

/** OpenShift's say which ids a namespace's pods may have. */
const ownDomain = /(^|\.)(istio\.io|meltemi\.dev)\/|^openshift\.io\/sa\.scc\./;
/** Injection's note to itself: long, and of no use to config. */
const STATUS_ANNOTATION = "sidecar.istio.io/status";

function ownAnnotations(annotations: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(annotations);
  return Object.fromEntries(entries.filter(([name]) => ownDomain.test(name) && name !== STATUS_ANNOTATION));
}
