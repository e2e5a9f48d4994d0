// The API server's question about one object and our answer, as admission.k8s.io/v1 has them. Of a question only what
// we look at is read, and its types are checked: anybody who reaches the port may send one.

import type { JsonPatch } from "./json-patch.ts";

export interface AdmissionRequest {
  /** Names the question; the answer repeats it. */
  readonly uid: string;
  readonly operation: string;
  /** Empty for cluster-scoped objects. */
  readonly namespace: string;
  /** As it would be stored; undefined for a deletion. */
  readonly object: JsonRecord | undefined;
  /** As it is stored; undefined for a creation. */
  readonly oldObject: JsonRecord | undefined;
}

export type JsonRecord = Readonly<Record<string, unknown>>;

export type Verdict =
  | { readonly kind: "allowed"; readonly patch?: JsonPatch; readonly warnings?: readonly string[] }
  | {
      readonly kind: "denied";
      /** What the user reads. */
      readonly message: string;
      readonly warnings?: readonly string[];
    };

const API_VERSION = "admission.k8s.io/v1";
// What the API server takes of them without cutting; what is longer than that nobody reads.
const MAX_WARNINGS = 20;
const MAX_WARNING_LENGTH = 250;
const MAX_MESSAGE_LENGTH = 8_000;
const UNPROCESSABLE = 422;

/** Undefined where it isn't an AdmissionReview of v1 that asks something. */
export function parseAdmissionReview(value: unknown): AdmissionRequest | undefined {
  if (!isRecord(value) || value.apiVersion !== API_VERSION || value.kind !== "AdmissionReview")
    return undefined;
  const { request } = value;
  if (!isRecord(request)) return undefined;
  const { uid, operation, namespace = "", object, oldObject } = request;
  if (typeof uid !== "string" || uid === "" || typeof operation !== "string") return undefined;
  if (typeof namespace !== "string" || !isObjectOrAbsent(object) || !isObjectOrAbsent(oldObject))
    return undefined;
  return { uid, operation, namespace, object: object ?? undefined, oldObject: oldObject ?? undefined };
}

/** The body of the answer. */
export function formatAdmissionReview({ uid }: AdmissionRequest, verdict: Verdict): object {
  const warnings = (verdict.warnings ?? [])
    .slice(0, MAX_WARNINGS)
    .map((each) => shortened(each, MAX_WARNING_LENGTH));
  const response = {
    uid,
    allowed: verdict.kind === "allowed",
    ...(warnings.length === 0 ? {} : { warnings }),
    ...(verdict.kind === "allowed" ? patchOf(verdict.patch) : refusalOf(verdict.message)),
  };
  return { apiVersion: API_VERSION, kind: "AdmissionReview", response };
}

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isObjectOrAbsent(value: unknown): value is JsonRecord | null | undefined {
  return value === undefined || value === null || isRecord(value);
}

function patchOf(patch: JsonPatch = []): object {
  if (patch.length === 0) return {};
  return { patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(patch)).toString("base64") };
}

function refusalOf(message: string): object {
  return {
    status: { code: UNPROCESSABLE, reason: "Invalid", message: shortened(message, MAX_MESSAGE_LENGTH) },
  };
}

function shortened(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength - 1)}…`;
}
