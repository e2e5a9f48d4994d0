// What the replica of a collection holds of one object.

import type { Problem } from "../../core/problem.ts";
import type { KubernetesObject } from "../../kinds/define-kind.ts";

export interface IngestedObject {
  /** Undefined where it isn't in force: it has errors, or is none of ours. */
  readonly object?: KubernetesObject;
  readonly problems?: readonly Problem[];
  /** Of an object with errors whose last good version stays in force: it must be the same object. */
  readonly refusedUid?: string;
}
