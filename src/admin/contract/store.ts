// The objects in force in a local mesh, as its store serves them. Types only.

import type { KubernetesObject } from "../../kinds/define-kind.ts";

/** The first line of `GET /watch`; changes follow as further lines. */
export interface StoreListing {
  readonly type: "list";
  readonly entries: readonly { readonly key: string; readonly object: KubernetesObject }[];
}
