// What takes the place of an AuthorizationPolicy that has errors: left out, it could let everybody in, so all that it is
// for is closed. It is for whom it says as far as that can be read, else for its whole namespace.

import { parseObjectKey } from "../../core/object-key.ts";
import type { KubernetesObject } from "../define-kind.ts";
import { type ParsedObject, parseObject } from "../parse-object.ts";
import { type AuthorizationPolicy, authorizationPolicyKind } from "./authorization-policy.ts";
import { isDryRun } from "./dry-run.ts";

/** No kind has the field `isRefused`, so nobody can write it. */
export type RefusedPolicy = AuthorizationPolicy & { readonly isRefused: true };

export function isRefusedPolicy(object: object): object is RefusedPolicy {
  return "isRefused" in object;
}

export interface ParsedForMesh extends ParsedObject {
  /** What counts while the object has errors and no earlier version of it is known. */
  readonly standIn?: KubernetesObject;
}

/** As `parseObject`, for who puts objects in force. */
export function parseForMesh(value: unknown): ParsedForMesh {
  const parsed = parseObject(value);
  const standIn = parsed.object === undefined ? standInFor(value, parsed) : undefined;
  return standIn === undefined ? parsed : { ...parsed, standIn };
}

function standInFor(value: unknown, { key }: ParsedObject): RefusedPolicy | undefined {
  if (key === undefined || !isRecord(value)) return undefined;
  const { kind, namespace, name } = parseObjectKey(key);
  if (kind !== authorizationPolicyKind.kind || decidesNothing(value)) return undefined;
  return {
    apiVersion: authorizationPolicyKind.apiVersion,
    kind: authorizationPolicyKind.kind,
    metadata: { namespace, name },
    spec: { ...readableChoice(value), action: "DENY", rules: [{}] },
    isRefused: true,
  };
}

/** Without it nothing is more open. */
function decidesNothing({ metadata, spec }: Record<string, unknown>): boolean {
  if (isRecord(spec) && spec.action === "AUDIT") return true;
  const annotations = isRecord(metadata) && isRecord(metadata.annotations) ? metadata.annotations : {};
  return isDryRun({ annotations: annotations as Readonly<Record<string, string>> });
}

/** Empty where anything about it is wrong. */
function readableChoice({ spec }: Record<string, unknown>): AuthorizationPolicy["spec"] {
  if (!isRecord(spec)) return {};
  const choice = Object.entries(spec).filter(([field]) => CHOICE.includes(field));
  const { object } = parseObject({
    apiVersion: authorizationPolicyKind.apiVersion,
    kind: authorizationPolicyKind.kind,
    metadata: { namespace: "any", name: "any" },
    spec: Object.fromEntries(choice),
  });
  return (object as AuthorizationPolicy | undefined)?.spec ?? {};
}

const CHOICE = ["selector", "targetRef", "targetRefs"];

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
