// Who a container's process runs as. Pure. Never the proxy's user, and never the machine's root.

import { objectKey } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import { problem } from "../../core/problem.ts";
import { defaultProxyIds } from "../../inject/proxy-ids.ts";
import type { Container } from "../../kinds/pod/container.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import { containerPath } from "./environment.ts";
import type { Resolution } from "./resolution.ts";
import { resolved, unresolved } from "./resolution.ts";

export interface ContainerUser {
  readonly uid: number;
  readonly gid: number;
  /** Besides `gid`. */
  readonly groups: readonly number[];
}

export interface DefaultUser {
  readonly uid: number;
  readonly gid: number;
  /** True where id 0 is the machine's root: a pod that asks for it gets this user instead. */
  readonly replacesRoot: boolean;
}

export interface ContainerUserChoice {
  readonly user: ContainerUser;
  /** What the pod asked for and doesn't get. */
  readonly warning?: Problem;
}

// 2^32 - 1 means "unchanged" to the kernel.
const MAX_ID = 2 ** 31 - 1;

export function resolveContainerUser(
  pod: Pod,
  container: Container,
  otherwise: DefaultUser,
): Resolution<ContainerUserChoice> {
  const { runAsUser, runAsGroup } = { ...pod.spec.securityContext, ...container.securityContext };
  const { fsGroup } = pod.spec.securityContext ?? {};
  const wantedUid = runAsUser ?? otherwise.uid;
  const wantedGid = runAsGroup ?? (runAsUser === undefined ? otherwise.gid : wantedUid);
  for (const id of [wantedUid, wantedGid, fsGroup ?? 0]) {
    if (!Number.isInteger(id) || id < 0 || id > MAX_ID) return unresolved(unknownId(pod, container, id));
  }
  const isProxys = [
    wantedUid === defaultProxyIds.uid,
    wantedGid === defaultProxyIds.gid,
    fsGroup === defaultProxyIds.gid,
  ];
  if (isProxys.includes(true)) return unresolved(proxysUser(pod, container));
  const replaces = (id: number | undefined) => otherwise.replacesRoot && id === 0;
  const user = {
    uid: replaces(wantedUid) ? otherwise.uid : wantedUid,
    gid: replaces(wantedGid) ? otherwise.gid : wantedGid,
    groups: fsGroup === undefined ? [] : [replaces(fsGroup) ? otherwise.gid : fsGroup],
  };
  const asksForRoot = replaces(runAsUser) || replaces(runAsGroup);
  return resolved(asksForRoot ? { user, warning: replacedRoot(pod, container, user) } : { user });
}

function unknownId(pod: Pod, container: Container, id: number): Problem {
  return problem("MLT3109", {
    ...placeOf(pod, container),
    message: `Cannot start container "${container.name}" as id ${id}: wanted 0 to ${MAX_ID}`,
  });
}

function proxysUser(pod: Pod, container: Container): Problem {
  const { uid } = defaultProxyIds;
  return problem("MLT3120", {
    ...placeOf(pod, container),
    message: `Cannot start container "${container.name}" as user or group ${uid}: that is the proxy's, whose traffic isn't captured and who holds the pod's private key`,
    hint: "choose another runAsUser, runAsGroup and fsGroup",
  });
}

function replacedRoot(pod: Pod, container: Container, { uid }: ContainerUser): Problem {
  return problem("MLT3121", {
    ...placeOf(pod, container),
    message: `Container "${container.name}" asks for root, and runs as user ${uid}: as root it could change the machine`,
    hint: "start the mesh without root, then a pod's root is you, without privileges",
  });
}

function placeOf(pod: Pod, container: Container) {
  const { namespace, name } = pod.metadata;
  return {
    object: objectKey({ kind: "Pod", namespace, name }),
    path: `${containerPath(pod, container)}.securityContext`,
  };
}
