// What a check of an object against the rest of the mesh may see, and what it says. A check is pure: it names what is
// wrong and where in the object; file and line are joined later.

import type { Problem, ProblemDetails } from "../../core/problem.ts";
import { problem } from "../../core/problem.ts";
import type { ProblemCode } from "../../core/problem-catalogue.ts";
import type { Read } from "../../graph/read.ts";
import type { KubernetesObject } from "../../kinds/define-kind.ts";
import type { MeshSettings } from "../mesh-settings.ts";
import type { Model } from "../model.ts";
import type { MeshService } from "../service.ts";
import { keyOf, type Sources } from "../sources.ts";
import type { ProblemIndexes } from "./problem-indexes.ts";

export interface CheckContext {
  readonly read: Read;
  readonly sources: Sources;
  readonly model: Model;
  readonly settings: MeshSettings;
  readonly indexes: ProblemIndexes;
}

/** An object with a namespace; `T` is its kind. */
export type Check<T extends KubernetesObject> = (object: T, context: CheckContext) => Iterable<Problem>;

/** A Problem of an object at a path in it. */
export function problemAt(
  object: KubernetesObject,
  path: string,
  { code, hint, ...details }: FoundProblem,
): Problem {
  return problem(code, {
    ...details,
    object: keyOf(object),
    path,
    ...(hint === undefined ? {} : { hint }),
  });
}

export interface FoundProblem extends Pick<ProblemDetails, "message" | "severity"> {
  readonly code: ProblemCode;
  readonly hint?: string | undefined;
}

/** `reviews.shop` for the Service `reviews.shop.svc.cluster.local`: as people say it. */
export function shortHost(hostname: string, { clusterDomain }: MeshSettings): string {
  const suffix = `.svc.${clusterDomain}`;
  return hostname.endsWith(suffix) ? hostname.slice(0, -suffix.length) : hostname;
}

const MAX_QUOTED = 20;

/** `"v1", "v2"`; in words where there is none, or where there are more than anybody reads. */
export function quoted(names: readonly string[]): string {
  if (names.length === 0) return "none";
  const first = names.slice(0, MAX_QUOTED).map((name) => `"${name}"`);
  return names.length <= MAX_QUOTED
    ? first.join(", ")
    : `${first.join(", ")} and ${names.length - MAX_QUOTED} more`;
}

/** `80 (http), 9080`. */
export function portList({ ports }: Pick<MeshService, "ports">): string {
  if (ports.length === 0) return "none";
  return ports.map(({ name, number }) => (name === "" ? String(number) : `${number} (${name})`)).join(", ");
}

/** An object's name as another object of `namespace` would write it. */
export function nameFrom(namespace: string, { metadata }: KubernetesObject): string {
  return metadata.namespace === namespace ? metadata.name : `${metadata.namespace}/${metadata.name}`;
}
