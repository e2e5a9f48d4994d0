// What the `istio-proxy` container of a pod says of files: its volumes, who reads them, and what to tell where they can't be
// read. No process is started from it here; its agent and Envoy are the mesh's.

import { objectKey } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import { problem } from "../../core/problem.ts";
import { defaultProxyIds } from "../../inject/proxy-ids.ts";
import { agentVolumes } from "../../inject/proxy-volumes.ts";
import type { Container } from "../../kinds/pod/container.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import type { FileReader } from "../sandbox/contained-file.ts";
import type { ContainerMount } from "../sandbox/mount-plan.ts";
import type { PodVolumes } from "./pod-volumes.ts";
import type { Resolution } from "./resolution.ts";

/** What the container mounts, less what injection mounts for an agent that lives in the pod. */
export function mountProxyVolumes(
  container: Container,
  volumes: PodVolumes,
): Promise<Resolution<readonly ContainerMount[]>> {
  const volumeMounts = (container.volumeMounts ?? []).filter(({ name }) => !agentVolumes.has(name));
  const user = { ...defaultProxyIds, groups: [] };
  return volumes.mount({ ...container, volumeMounts }, { environment: {}, user });
}

export function proxyReader({ spec }: Pod): FileReader {
  const { fsGroup } = spec.securityContext ?? {};
  const { uid, gid } = defaultProxyIds;
  return { uid, gids: [gid, ...(fsGroup === undefined ? [] : [fsGroup])] };
}

/** The same for all replicas. */
export function unreadableSecret(pod: Pod, reason: string): Problem {
  const { namespace, name } = pod.metadata;
  return problem("MLT3124", {
    object: objectKey({ kind: "Pod", namespace, name }),
    message: `Cannot read a certificate that the mesh's config names for this proxy: ${reason}`,
    hint: "a path in a Gateway or DestinationRule is one in the istio-proxy container: mount a volume there, by the pod's own container of this name or by the annotations sidecar.istio.io/userVolume and userVolumeMount",
  });
}
