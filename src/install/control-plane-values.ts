// The values of the chart of the control plane, and of `meltemi install --values`: what each means, takes and sets.

import { meshConfigSpec } from "../kinds/mesh-config/mesh-config-spec.ts";
import { resourceRequirements } from "../kinds/pod/container.ts";
import { choice, flag, integer, list, text } from "../kinds/schema.ts";
import type { ChartValues, ValuesOf } from "./chart-values.ts";
import { ownVariables } from "./control-plane-workload.ts";
import { imagePullPolicies } from "./gateway-settings.ts";
import { cniRepairs, type InstallSettings } from "./install-settings.ts";
import { placementValues } from "./pod-placement.ts";

const folder = { schema: text(), jsonSchema: { pattern: "^/" } };
const count = integer(1, 100);

export const controlPlaneValues = {
  revision: {
    description: "The name of this control plane where several share a cluster.",
    schema: text(),
    jsonSchema: { pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", maxLength: 40 },
  },
  hub: { description: "Where images come from: HUB/control-plane:TAG.", schema: text() },
  tag: { description: "Of the images; the chart's own version where it is empty.", schema: text() },
  imagePullPolicy: {
    description: "Always, IfNotPresent or Never.",
    schema: choice(...imagePullPolicies),
  },
  imagePullSecrets: {
    description:
      "Names of Secrets by which images are pulled, of the control plane, the CNI plugin and injected pods; each namespace needs them.",
    schema: list(text()),
  },
  replicas: {
    description: "Of the control plane; the fewest, where it scales by itself.",
    schema: count,
  },
  maxReplicas: { description: "The most that the control plane scales to.", schema: count },
  autoscaler: { description: "Whether the control plane scales by itself.", schema: flag() },
  networkPolicies: {
    description:
      "Whether a NetworkPolicy closes the control plane's other ports, and 15014 to all but the cluster's pods; proxies' 15012 stays open to every address, and so does the webhooks' 15017 unless webhookCidrs says from where.",
    schema: flag(),
  },
  webhookCidrs: {
    description:
      "Where the API server reaches 15017 from, as CIDRs; every address where there is none, since no selector names the API server in every cluster.",
    schema: list(text()),
  },
  cni: {
    description: "Whether a DaemonSet sets up interception, so that pods need no capability.",
    schema: flag(),
  },
  cniRepair: {
    description:
      "What becomes of pods that started before the DaemonSet was there: repair, delete, label or none.",
    schema: choice(...cniRepairs),
  },
  cniBinDir: { description: "Where the nodes' runtime looks for CNI plugins' programs.", ...folder },
  cniConfDir: { description: "Where the nodes' runtime looks for CNI configurations.", ...folder },
  definitions: {
    description: "Whether the kinds are defined too. Turn it off where an Istio has defined them.",
    schema: flag(),
  },
  controlPlaneResources: {
    description: "What the control plane asks of its nodes.",
    schema: resourceRequirements,
  },
  ...placementValues("the control plane's pods", ownVariables),
  meshConfig: {
    description: "The mesh's configuration, as Istio's MeshConfig.",
    schema: meshConfigSpec,
    // Istio's reader takes numbers and names in several forms.
    jsonSchema: { properties: {}, additionalProperties: true },
    isLenient: true,
  },
} satisfies ChartValues;

export type ControlPlaneValues = ValuesOf<typeof controlPlaneValues>;

export function valuesOfSettings(settings: InstallSettings): ControlPlaneValues {
  const { controlPlaneResources, hub, imagePullPolicy, imagePullSecrets, maxReplicas, meshConfig, replicas } =
    settings;
  const { affinity, env, nodeSelector, priorityClassName, tolerations } = settings;
  return {
    ...{ revision: settings.revision, hub, tag: settings.tag, imagePullPolicy, imagePullSecrets },
    ...{ replicas, maxReplicas, autoscaler: settings.hasAutoscaler },
    networkPolicies: settings.hasNetworkPolicies,
    webhookCidrs: settings.webhookCidrs,
    cni: settings.hasCni,
    cniRepair: settings.cniRepair,
    cniBinDir: settings.cniBinDir,
    cniConfDir: settings.cniConfDir,
    definitions: settings.hasDefinitions,
    controlPlaneResources,
    ...{ nodeSelector, tolerations, affinity, priorityClassName, env },
    meshConfig,
  };
}

/** What isn't of the chart stays as it is. */
export function withValues(settings: InstallSettings, values: ControlPlaneValues): InstallSettings {
  const { autoscaler, networkPolicies, cni, definitions, ...same } = values;
  return {
    ...settings,
    ...same,
    hasAutoscaler: autoscaler,
    hasNetworkPolicies: networkPolicies,
    hasCni: cni,
    hasDefinitions: definitions,
  };
}
