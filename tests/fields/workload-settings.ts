// Where the fields of workloads matter: some of their pods are of a former template, ten seconds old.

import { each, type KindSettings, yaml } from "./field-settings.ts";

const TEMPLATE =
  "selector: { matchLabels: { app: web } }, template: { metadata: { labels: { app: web } }, spec: { containers: [{ name: app, image: some }] } }";

function workload(more = ""): unknown {
  return yaml(`{ ${TEMPLATE}, ${more} }`);
}

const metadata = { name: "own", namespace: "shop" };
const minReadySeconds = { fields: /minReadySeconds/, values: [1, 60] };

export const deploymentSettings: KindSettings = {
  kind: "Deployment",
  apiVersion: "apps/v1",
  metadata,
  spec: workload("replicas: 4"),
  settings: [
    minReadySeconds,
    { fields: /replicas/, values: [2, 3] },
    {
      fields: /rollingUpdate/,
      spec: workload("replicas: 4, strategy: { rollingUpdate: { maxSurge: 2, maxUnavailable: 2 } }"),
      values: [1, "75%"],
    },
  ],
};

export const statefulSetSettings: KindSettings = {
  kind: "StatefulSet",
  apiVersion: "apps/v1",
  metadata,
  spec: workload("replicas: 4"),
  settings: [
    minReadySeconds,
    { fields: /replicas/, spec: workload("podManagementPolicy: Parallel"), values: [2, 3] },
    { fields: /ordinals/, values: [1, 2] },
    { fields: /partition/, values: [1, 4] },
    {
      fields: /volumeClaimTemplates/,
      specs: each(["some", "other"], (name) =>
        workload(`volumeClaimTemplates: [{ metadata: { name: ${name} }, spec: {} }]`),
      ),
    },
  ],
};

export const daemonSetSettings: KindSettings = {
  kind: "DaemonSet",
  apiVersion: "apps/v1",
  metadata,
  spec: workload(),
  settings: [minReadySeconds],
};

/** One has failed, one succeeded, two run. */
function job(more = ""): unknown {
  return yaml(
    `{ template: { metadata: { labels: { app: web } }, spec: { restartPolicy: Never, containers: [{ name: app, image: some }] } }, ${more} }`,
  );
}

export const jobSettings: KindSettings = {
  kind: "Job",
  apiVersion: "batch/v1",
  metadata,
  spec: job("completions: 5, parallelism: 2"),
  settings: [
    { fields: /activeDeadlineSeconds/, values: [1, 600] },
    { fields: /backoffLimit/, values: [0, 5] },
    { fields: /completions/, values: [1, 3] },
    { fields: /parallelism/, values: [1, 3] },
  ],
};
