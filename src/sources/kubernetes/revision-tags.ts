// The tags that point to a revision, as the webhooks of tags say: they are set and moved while the control plane runs.

import type { ApiResource } from "../../kubernetes/api-resource.ts";
import { type FollowSurroundings, followCollection, type Replica } from "./follow-collection.ts";

export interface RevisionTagsOptions extends FollowSurroundings {
  readonly signal: AbortSignal;
  readonly revision: string;
  /** All of them: once as soon as they are known, then at each change. */
  readonly onTags: (tags: readonly string[]) => void;
}

const TAG_LABEL = "istio.io/tag";
const REVISION_LABEL = "istio.io/rev";

const injectorResource: ApiResource = {
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "MutatingWebhookConfiguration",
  plural: "mutatingwebhookconfigurations",
  isNamespaced: false,
};

export function followRevisionTags({ onTags, revision, ...options }: RevisionTagsOptions): void {
  const replica: Replica = new Map();
  let isSynced = false;
  let told: string | undefined;
  const tell = () => {
    const tags = [...replica.values()].flatMap(({ object }) => object?.metadata.labels?.[TAG_LABEL] ?? []);
    const text = tags.sort().join();
    if (!isSynced || text === told) return;
    told = text;
    onTags(tags);
  };
  const labelSelector = `${TAG_LABEL},${REVISION_LABEL}=${revision}`;
  void followCollection(
    { resource: injectorResource, labelSelector },
    {
      ...options,
      replica,
      ingest: ({ apiVersion = "", kind = "", metadata: { name, labels = {} } }) => ({
        object: { apiVersion, kind, metadata: { name, labels } },
      }),
      onChange: tell,
      onSynced: () => {
        isSynced = true;
        tell();
      },
    },
  );
}
