// Injects a pod when it is made, as the webhook does on Kubernetes, with the mesh's configuration of that moment.

import { objectKey } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import { problem } from "../../core/problem.ts";
import { injectPod } from "../../inject/inject-pod.ts";
import type { InjectionSettings } from "../../inject/injection-settings.ts";
import { defaultInjectionSettings } from "../../inject/injection-settings.ts";
import type { MeshConfig } from "../../kinds/mesh-config/mesh-config.ts";
import type { MeshConfigSpec } from "../../kinds/mesh-config/mesh-config-spec.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import type { WorkloadStore } from "../workloads/workload-store.ts";

/** The pod as it is to run; undefined where its annotations can't be read, which the problems say. */
export function injectLocalPod(
  pod: Pod,
  store: Pick<WorkloadStore, "get">,
): { readonly pod?: Pod; readonly problems: readonly Problem[] } {
  const { namespace, name } = pod.metadata;
  const key = objectKey({ kind: "Pod", namespace, name });
  const namespaceObject = store.get(objectKey({ kind: "Namespace", namespace: "", name: namespace }));
  try {
    const injection = injectPod(pod, namespaceObject?.metadata.labels ?? {}, injectionSettings(store));
    if (injection.kind === "skipped") return { pod, problems: [] };
    if (injection.kind === "refused") {
      return { problems: injection.problems.map((found) => ({ ...found, object: key })) };
    }
    const { metadata, spec } = injection.pod;
    return {
      pod: { ...pod, metadata: { ...pod.metadata, ...metadata, name, namespace }, spec },
      problems: [],
    };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return {
      problems: [problem("MLT3108", { object: key, message: `Cannot inject pod "${name}": ${reason}` })],
    };
  }
}

function injectionSettings(store: Pick<WorkloadStore, "get">): InjectionSettings {
  return { ...defaultInjectionSettings, meshConfig: meshConfigOf(store) };
}

export function meshConfigOf(store: Pick<WorkloadStore, "get">): MeshConfigSpec {
  const stored: unknown = store.get(objectKey({ kind: "MeshConfig", namespace: "", name: "mesh" }));
  return (stored as MeshConfig | undefined)?.spec ?? {};
}
