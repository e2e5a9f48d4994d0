// What pods refer to, looked up in the store.

import { availableParallelism, totalmem } from "node:os";
import { objectKey } from "../../core/object-key.ts";
import type { ConfigMap } from "../../kinds/config-map.ts";
import type { KubernetesObject } from "../../kinds/define-kind.ts";
import type { Secret } from "../../kinds/secret.ts";
import type { Service } from "../../kinds/service.ts";
import type { ReferencedObjects } from "../workloads/environment.ts";
import type { WorkloadStore } from "../workloads/workload-store.ts";

/** `rootsPem`: whom workloads trust, as the ConfigMap istio-ca-root-cert that every namespace of a mesh has. */
export function createReferencedObjects(
  store: Pick<WorkloadStore, "get" | "list">,
  rootsPem: () => string | undefined,
): ReferencedObjects {
  const find = (kind: string, namespace: string, name: string): KubernetesObject | undefined =>
    store.get(objectKey({ kind, namespace, name }));
  return {
    capacity: { cpuCount: availableParallelism(), memoryBytes: totalmem() },
    configMap(namespace, name) {
      const stored: unknown = find("ConfigMap", namespace, name);
      return (stored as ConfigMap | undefined) ?? rootsConfigMap(namespace, name, rootsPem());
    },
    secret(namespace, name) {
      const stored: unknown = find("Secret", namespace, name);
      return stored as Secret | undefined;
    },
    services: (namespace) =>
      (store.list("Service") as readonly Service[]).filter(
        (service) => service.metadata.namespace === namespace,
      ),
  };
}

function rootsConfigMap(
  namespace: string,
  name: string,
  rootsPem: string | undefined,
): ConfigMap | undefined {
  if (name !== "istio-ca-root-cert" || rootsPem === undefined) return undefined;
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace },
    data: { "root-cert.pem": rootsPem },
  };
}
