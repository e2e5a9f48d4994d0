// How Istio's kinds choose workloads by labels: `labels` in networking kinds, `matchLabels` in policies.

import type { TypeOf } from "./schema.ts";
import { list, map, message, text } from "./schema.ts";

/** networking.istio.io's form. */
export const labelsSelector = message({ labels: map(text()) });

/** security.istio.io's form, and DestinationRule's. */
export const workloadSelector = message({ matchLabels: map(text()) });

const requirement = message({ values: list(text()) }, { required: { key: text(), operator: text() } });

/** Kubernetes' form. */
export const labelSelector = message({ matchLabels: map(text()), matchExpressions: list(requirement) });

export type LabelsSelector = TypeOf<typeof labelsSelector>;
export type WorkloadSelector = TypeOf<typeof workloadSelector>;
export type LabelSelector = TypeOf<typeof labelSelector>;
