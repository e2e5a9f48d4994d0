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
  const projection = projections.get(raw.kind ?? "");
  if (projection === undefined) return ingestChecked(raw);
  const { apiVersion, kind } = raw;
  const form = formOf(kind);
  const picked = project(raw, projection, { form, pool }) as object;
  return { object: { apiVersion, kind, ...picked } as KubernetesObject };
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

function formOf(kind: string | undefined): Form {
  return (kindByName.get(kind ?? "")?.schema as Form | undefined) ?? anyForm;
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

interface Projecting {
  readonly form: Form;
  readonly pool: InternPool;
}

function project(value: unknown, projection: Projection, { form, pool }: Projecting): unknown {
  if (typeof projection === "string") return projectLeaf(value, projection, { form, pool });
  if (isListProjection(projection)) {
    const [item] = projection;
    if (!Array.isArray(value)) return undefined;
    const inner = { form: form.items ?? anyForm, pool };
    return value.flatMap((one: unknown) => (isAbsent(one) ? [] : [project(one, item, inner)]));
  }
  const picked: Record<string, unknown> = {};
  for (const field in projection) {
    const inner = projection[field];
    if (inner === undefined) continue;
    const fieldForm = form.properties?.[field] ?? anyForm;
    const found = (value as Record<string, unknown>)[field] ?? absentValue(form, field);
    if (isAbsent(found)) continue;
    const kept = project(found, inner, { form: fieldForm, pool });
    if (kept !== undefined) picked[field] = kept;
  }
  return picked;
}

function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

/** What Go reads where a required field is missing; undefined for any other. */
function absentValue({ required, properties }: Form, field: string): unknown {
  if (required?.includes(field) !== true) return undefined;
  const { type } = properties?.[field] ?? anyForm;
  switch (type) {
    case "array":
      return [];
    case "object":
      return {};
    case "string":
      return "";
    case "integer":
    case "number":
      return 0;
    default:
      return undefined;
  }
}

function isListProjection(projection: Projection): projection is readonly [Projection] {
  return Array.isArray(projection);
}

function projectLeaf(value: unknown, leaf: LeafProjection, { form, pool }: Projecting): unknown {
  switch (leaf) {
    case "keep":
      return form.patternProperties === undefined ? value : texts(value);
    case "shared":
      return typeof value === "string" ? pool.string(value) : value;
    case "labels":
      return pool.record(texts(value));
    case "annotations": {
      const own = ownAnnotations(texts(value));
      return Object.keys(own).length === 0 ? undefined : pool.record(own);
    }
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
