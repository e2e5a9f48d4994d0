// The Helm chart's values: what each means and takes, as values.yaml and as the schema by which Helm refuses a wrong one.

import { stringify } from "yaml";
import { cniRepairs, type InstallSettings, imagePullPolicies, profileSettings } from "./install-settings.ts";

interface ChartValue {
  /** A sentence, the comment in values.yaml. */
  readonly description: string;
  /** JSON Schema of what it takes. */
  readonly schema: object;
}

const text = { type: "string" };
const folder = { type: "string", pattern: "^/" };
const flag = { type: "boolean" };
const count = { type: "integer", minimum: 1, maximum: 100 };
const amounts = { type: "object", additionalProperties: { type: ["string", "number"] } };

const chartValues = {
  revision: {
    description: "The name of this control plane where several share a cluster.",
    schema: { type: "string", pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", maxLength: 40 },
  },
  hub: { description: "Where images come from: HUB/control-plane:TAG.", schema: text },
  tag: { description: "Of the images; the chart's own version where it is empty.", schema: text },
  imagePullPolicy: {
    description: "Always, IfNotPresent or Never.",
    schema: { enum: imagePullPolicies },
  },
  replicas: {
    description:
      "Of the control plane and of the gateway; the fewest, where the control plane scales by itself.",
    schema: count,
  },
  maxReplicas: { description: "The most that the control plane scales to.", schema: count },
  autoscaler: { description: "Whether the control plane scales by itself.", schema: flag },
  networkPolicies: {
    description:
      "Whether a NetworkPolicy closes the control plane's other ports, and 15014 to all but the cluster's pods; proxies' 15012 stays open to every address, and so does the webhooks' 15017 unless webhookCidrs says from where.",
    schema: flag,
  },
  webhookCidrs: {
    description:
      "Where the API server reaches 15017 from, as CIDRs; every address where there is none, since no selector names the API server in every cluster.",
    schema: { type: "array", items: { type: "string" } },
  },
  cni: {
    description: "Whether a DaemonSet sets up interception, so that pods need no capability.",
    schema: flag,
  },
  cniRepair: {
    description:
      "What becomes of pods that started before the DaemonSet was there: repair, delete, label or none.",
    schema: { enum: cniRepairs },
  },
  cniBinDir: {
    description: "Where the nodes' runtime looks for CNI plugins' programs.",
    schema: folder,
  },
  cniConfDir: {
    description: "Where the nodes' runtime looks for CNI configurations.",
    schema: folder,
  },
  gateway: {
    description: "Whether there is an ingress gateway; only the revision default has one.",
    schema: flag,
  },
  definitions: {
    description: "Whether the kinds are defined too. Turn it off where an Istio has defined them.",
    schema: flag,
  },
  controlPlaneResources: {
    description: "What the control plane asks of its nodes.",
    schema: {
      type: "object",
      properties: { requests: amounts, limits: amounts },
      additionalProperties: false,
    },
  },
  meshConfig: {
    description: "The mesh's configuration, as Istio's MeshConfig.",
    schema: { type: "object" },
  },
} satisfies Readonly<Record<string, ChartValue>>;

export function chartValuesFile(): string {
  const values = { ...chartValuesOf(profileSettings("default", "")), definitions: true };
  return names()
    .map((name) => `# ${chartValues[name].description}\n${stringify({ [name]: values[name] })}`)
    .join("\n");
}

/** Helm checks values against it before it renders anything. */
export function chartValuesSchema(): string {
  const properties = Object.fromEntries(
    names().map((name) => {
      const { description, schema } = chartValues[name];
      return [name, { description, ...schema }];
    }),
  );
  const schema = {
    $schema: "http://json-schema.org/draft-07/schema#",
    type: "object",
    // Of charts that this one is a part of.
    properties: { ...properties, global: { type: "object" } },
    additionalProperties: false,
  };
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

function names(): (keyof typeof chartValues)[] {
  return Object.keys(chartValues) as (keyof typeof chartValues)[];
}

/** `definitions` is no setting: the installer looks itself who has defined the kinds. */
export function chartValuesOf(
  settings: InstallSettings,
): Readonly<Record<Exclude<keyof typeof chartValues, "definitions">, unknown>> {
  const { controlPlaneResources, hub, imagePullPolicy, maxReplicas, meshConfig, replicas } = settings;
  return {
    ...{ revision: settings.revision, hub, tag: settings.tag, imagePullPolicy, replicas, maxReplicas },
    autoscaler: settings.hasAutoscaler,
    networkPolicies: settings.hasNetworkPolicies,
    webhookCidrs: settings.webhookCidrs,
    cni: settings.hasCni,
    cniRepair: settings.cniRepair,
    cniBinDir: settings.cniBinDir,
    cniConfDir: settings.cniConfDir,
    gateway: settings.hasGateway,
    controlPlaneResources,
    meshConfig,
  };
}
