// What injection in a cluster goes by, beside the pod: the control plane's own settings, the mesh's configuration, the
// pod's namespace, and what the nodes' kubelets can. Asked anew for each pod.

import { type ObjectKey, parseObjectKey } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import { parseInjectionConfig } from "../../inject/injection-config.ts";
import {
  agentImages,
  defaultInjectionSettings,
  type InjectionSettings,
} from "../../inject/injection-settings.ts";
import { nativeSidecarsOf } from "../../inject/native-sidecars.ts";
import { proxyIdsOf } from "../../inject/proxy-ids.ts";
import type { ConfigMap } from "../../kinds/config-map.ts";
import type { KubernetesObject } from "../../kinds/define-kind.ts";
import type { Node } from "../../kinds/node.ts";
import type { Sources } from "../../model/sources.ts";
import { rowKey } from "../../model/sources.ts";
import type { KubernetesChanges } from "../../sources/kubernetes/watch-kubernetes.ts";
import type { ClusterSettings } from "../control-plane-settings.ts";

export interface ClusterInjection {
  /** Objects as they come in; most are none of its business. */
  take(changes: KubernetesChanges): void;
  /** Of the ConfigMap that configures injection; what can't be read of it is told, and has no effect. */
  configure(configMap: ConfigMap | undefined): readonly Problem[];
  settingsFor(namespace: string): InjectionSettings;
}

const NETWORK_LABEL = "topology.istio.io/network";

export function createClusterInjection(
  settings: ClusterSettings,
  sources: Pick<Sources, "MeshConfig" | "Namespace">,
): ClusterInjection {
  const kubeletVersions = new Map<ObjectKey, string>();
  let configured: Partial<InjectionSettings> = {};
  const {
    agentImage,
    capture,
    imagePullSecrets,
    namespace: systemNamespace,
    revision,
    serviceName,
  } = settings;
  const fixed = {
    ...defaultInjectionSettings,
    revision,
    images: agentImages(agentImage),
    controlPlaneAddress: `${serviceName}.${systemNamespace}.svc:15012`,
    capture,
    imagePullSecrets,
    ignoredNamespaces: [...defaultInjectionSettings.ignoredNamespaces, systemNamespace],
  };
  return {
    configure(configMap) {
      const { problems, settings: read } = parseInjectionConfig(configMap?.data ?? {}, process.env);
      configured = read;
      return problems;
    },
    take({ upserts, deletes }) {
      for (const key of deletes) kubeletVersions.delete(key);
      for (const { key, object } of upserts) {
        if (parseObjectKey(key).kind === "Node") kubeletVersions.set(key, kubeletVersionOf(object));
      }
    },
    settingsFor(namespace) {
      const [meshConfig] = [...sources.MeshConfig.entries()].map(([, { spec }]) => spec);
      const native = nativeSidecarsOf(kubeletVersions.values(), settings.nativeSidecars);
      const metadataOf = (name: string) => sources.Namespace.get(rowKey("", name))?.metadata;
      return {
        ...fixed,
        ...configured,
        meshConfig: meshConfig ?? {},
        network: metadataOf(systemNamespace)?.labels?.[NETWORK_LABEL] ?? configured.network ?? "",
        proxyIds: proxyIdsOf(metadataOf(namespace)?.annotations),
        usesNativeSidecars: native.isDefault,
        supportsNativeSidecars: native.isPossible,
      };
    },
  };
}

function kubeletVersionOf(object: KubernetesObject): string {
  const status = (object as Node).status as
    | { readonly nodeInfo?: { readonly kubeletVersion?: string } }
    | undefined;
  return status?.nodeInfo?.kubeletVersion ?? "";
}
