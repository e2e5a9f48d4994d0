// What is kept of an object that the API server sends: picked fields of Kubernetes' own kinds, which the server has
// checked, and whole objects of Istio's, which are checked here, since no webhook may have seen them.

import { assertNever } from "../../core/assert-never.ts";
import { objectKey } from "../../core/object-key.ts";
import { type Problem, problem } from "../../core/problem.ts";
import type { KubernetesObject } from "../../kinds/define-kind.ts";
import { parseObject } from "../../kinds/parse-object.ts";
import type { IngestedObject } from "./follow-collection.ts";
import type { InternPool } from "./intern-pool.ts";
import { type LeafProjection, type Projection, projections } from "./projections.ts";
import type { RawObject } from "./raw-object.ts";

export function ingestObject(raw: RawObject, pool: InternPool): IngestedObject {
  const projection = projections.get(raw.kind ?? "");
  if (projection === undefined) return ingestChecked(raw);
  const { apiVersion, kind } = raw;
  return { object: { apiVersion, kind, ...(project(raw, projection, pool) as object) } as KubernetesObject };
}

/** Its findings depend on the object alone, so that every replica leaves out the same. */
function ingestChecked({ status: _, ...raw }: RawObject): IngestedObject {
  const { object, findings } = parseObject({ ...raw, metadata: lastingMetadata(raw.metadata) });
  const { name, namespace = "" } = raw.metadata;
  const key = objectKey({ kind: raw.kind ?? "", namespace, name });
  const problems: Problem[] = findings.map(({ code = "MLT1005", ...rest }) =>
    problem(code, { ...rest, object: key }),
  );
  return {
    ...(object !== undefined && { object }),
    ...(problems.length > 0 && { problems }),
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
  return annotations === undefined ? lasting : { ...lasting, annotations: ownAnnotations(annotations) };
}

function project(value: unknown, projection: Projection, pool: InternPool): unknown {
  if (value === undefined || value === null) return undefined;
  if (typeof projection === "string") return projectLeaf(value, projection, pool);
  if (isListProjection(projection)) {
    const [item] = projection;
    return Array.isArray(value) ? value.map((one) => project(one, item, pool)) : undefined;
  }
  const picked: Record<string, unknown> = {};
  for (const field in projection) {
    const inner = projection[field];
    const found = (value as Record<string, unknown>)[field];
    if (inner === undefined || found === undefined || found === null) continue;
    const kept = project(found, inner, pool);
    if (kept !== undefined) picked[field] = kept;
  }
  return picked;
}

function isListProjection(projection: Projection): projection is readonly [Projection] {
  return Array.isArray(projection);
}

function projectLeaf(value: unknown, leaf: LeafProjection, pool: InternPool): unknown {
  switch (leaf) {
    case "keep":
      return value;
    case "shared":
      return typeof value === "string" ? pool.string(value) : value;
    case "labels":
      return pool.record(value as Readonly<Record<string, string>>);
    case "annotations": {
      const own = ownAnnotations(value as Readonly<Record<string, string>>);
      return Object.keys(own).length === 0 ? undefined : pool.record(own);
    }
    default:
      return assertNever(leaf);
  }
}

/** OpenShift's say which ids a namespace's pods may have. */
const ownDomain = /(^|\.)(istio\.io|meltemi\.dev)\/|^openshift\.io\/sa\.scc\./;
/** Injection's note to itself: long, and of no use to config. */
const STATUS_ANNOTATION = "sidecar.istio.io/status";

function ownAnnotations(annotations: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(annotations);
  return Object.fromEntries(entries.filter(([name]) => ownDomain.test(name) && name !== STATUS_ANNOTATION));
}
