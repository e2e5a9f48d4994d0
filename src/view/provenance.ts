// Which objects made a piece of config; builders turn it into metadata.

import type { ObjectKey } from "../core/object-key.ts";

export interface ProvenancePart {
  readonly object: ObjectKey;
  /** Field path in the object, such as `spec.http[0]`. */
  readonly path?: string;
}

/** Most specific first. */
export type Provenance = readonly ProvenancePart[];
