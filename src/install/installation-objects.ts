// All that a cluster is given, as data: the one source of the installer, of `meltemi manifest` and of the Helm chart.

import { cniNamespace, cniObjects } from "./cni-objects.ts";
import { controlPlaneRights } from "./control-plane-rights.ts";
import { controlPlaneWorkload } from "./control-plane-workload.ts";
import { customResourceDefinitions } from "./custom-resource-definition.ts";
import { gatewayNamespace, gatewayObjects } from "./gateway-objects.ts";
import type { InstallObject } from "./install-object.ts";
import type { InstallSettings } from "./install-settings.ts";
import { installationOf, installedLabels } from "./object-names.ts";
import { webhookConfigurations } from "./webhook-configurations.ts";

/** In the order in which they are applied; each part must be in force before the next begins. */
export interface InstallStage {
  readonly title: string;
  readonly objects: readonly InstallObject[];
}

export function installStages(settings: InstallSettings): InstallStage[] {
  const installation = installationOf(settings);
  const { gateway, hasCni, hasDefinitions, hasGateway, namespace, revision } = installation;
  const control = { revision, namespace, labels: installedLabels };
  const stages: InstallStage[] = [
    {
      title: "namespaces",
      objects: [
        controlPlaneNamespace(settings),
        ...(hasCni ? [cniNamespace()] : []),
        ...(hasGateway ? [gatewayNamespace()] : []),
      ],
    },
    { title: "custom resource definitions", objects: hasDefinitions ? customResourceDefinitions() : [] },
    // Before the control plane, which injects pods for it.
    { title: "CNI plugin", objects: hasCni ? cniObjects(installation) : [] },
    {
      title: "control plane",
      objects: [...controlPlaneRights(installation), ...controlPlaneWorkload(installation)],
    },
    // Until the control plane answers, they would refuse the pods that they are for.
    { title: "webhooks", objects: webhookConfigurations(installation) },
    { title: "ingress gateway", objects: hasGateway ? gatewayObjects(gateway, control) : [] },
  ];
  return stages.filter(({ objects }) => objects.length > 0);
}

export function installationObjects(settings: InstallSettings): InstallObject[] {
  return installStages(settings).flatMap(({ objects }) => objects);
}

function controlPlaneNamespace({ namespace }: InstallSettings): InstallObject {
  const labels = {
    ...installedLabels,
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/warn": "restricted",
  };
  return { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels } };
}
