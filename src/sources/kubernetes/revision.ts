// Several control planes may serve one cluster, each with its own revision: which objects are for which.

import type { RawObject } from "./raw-object.ts";

export const REVISION_LABEL = "istio.io/rev";

/** An object without the label is for all. `revisions` are the control plane's own and the tags that point to it. */
export function isOfRevision({ metadata }: RawObject, revisions: readonly string[]): boolean {
  const wanted = metadata.labels?.[REVISION_LABEL];
  return wanted === undefined || wanted === "" || revisions.includes(wanted);
}
