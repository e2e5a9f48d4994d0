// The metadata that every Kubernetes-shaped object carries.

import type { TypeOf } from "./schema.ts";
import { anything, flag, int64, list, map, message, text, timestamp } from "./schema.ts";

const ownerReference = message(
  { controller: flag(), blockOwnerDeletion: flag() },
  { required: { apiVersion: text(), kind: text(), name: text(), uid: text() } },
);

export const objectMeta = message({
  name: text(),
  generateName: text(),
  namespace: text(),
  labels: map(text()),
  annotations: map(text()),
  creationTimestamp: timestamp(),
  deletionTimestamp: timestamp(),
  deletionGracePeriodSeconds: int64(),
  uid: text(),
  generation: int64(),
  resourceVersion: text(),
  ownerReferences: list(ownerReference),
  finalizers: list(text()),
  managedFields: list(anything()),
  selfLink: text(),
});

export type OwnerReference = TypeOf<typeof ownerReference>;

/** Metadata as a template may write it: the name may be missing. */
export type TemplateMeta = TypeOf<typeof objectMeta>;

/** Metadata of an object that was loaded: it has a name. */
export type ObjectMeta = TemplateMeta & { readonly name: string };
