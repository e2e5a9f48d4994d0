// Resolves everything that a container's process starts with: argv, environment, mounts, directory, user.

import { objectKey } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import { problem } from "../../core/problem.ts";
import type { Container } from "../../kinds/pod/container.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import type { ContainerMount } from "../sandbox/mount-plan.ts";
import type { SpawnOptions } from "../sandbox/pod-sandbox.ts";
import { resolveContainerUser } from "./container-user.ts";
import { coverOf, mountsInFront, pathInVolume } from "./covering-volumes.ts";
import type { Environment } from "./environment.ts";
import { containerPath, resolveEnvironment } from "./environment.ts";
import { resolveCommand } from "./image-command.ts";
import { ownPaths } from "./own-paths.ts";
import type { PodRuntime } from "./pod-runtime.ts";
import type { PodVolumes } from "./pod-volumes.ts";
import type { Resolution } from "./resolution.ts";
import { resolved, unresolved } from "./resolution.ts";
import { executablePaths, isExecutable } from "./sandbox-process.ts";
import { expandVariables } from "./variable-expansion.ts";

export interface LaunchContext {
  readonly pod: Pod;
  readonly volumes: PodVolumes;
  readonly runtime: PodRuntime;
}

export async function resolveLaunch(
  { pod, volumes, runtime }: LaunchContext,
  container: Container,
): Promise<Resolution<SpawnOptions>> {
  const command = resolveCommand(pod, container, runtime.images());
  if (command.kind === "unresolved") return command;
  const declared = resolveEnvironment(pod, container, runtime.objects);
  if (declared.kind === "unresolved") return declared;
  const chosen = resolveContainerUser(pod, container, runtime.user);
  if (chosen.kind === "unresolved") return chosen;
  const { user, warning } = chosen.value;
  runtime.onProblem(pod, `user of ${container.name}`, warning);
  const mounts = await volumes.mount(container, { environment: declared.value, user });
  if (mounts.kind === "unresolved") return mounts;
  const [executable = "", ...words] = command.value.argv.map((word) => expandVariables(word, declared.value));
  const env = { ...baseEnvironment(pod, runtime), ...command.value.env, ...declared.value };
  const cwd = command.value.workingDir ?? runtime.workingDirectory;
  // Opened to the pod where it lies in a closed directory, and shown where a volume is in front of it.
  const own = ownPaths([executable, ...words], cwd, {
    workingDirectory: runtime.workingDirectory,
    images: runtime.images(),
  });
  const allMounts = [...mounts.value, ...mountsInFront(own, mounts.value)];
  const paths = executablePaths(executable, { path: env.PATH ?? "", workingDir: cwd });
  // A path in a volume may be filled by the time it is run; a name is looked for now.
  const isSure = !executable.includes("/");
  if (!paths.some((path) => mayRun(path, allMounts, isSure))) {
    return unresolved(missingExecutable(pod, container, { executable, cwd, paths, mounts: mounts.value }));
  }
  return resolved({ argv: [executable, ...words], env, cwd, mounts: allMounts, reachable: own, ...user });
}

function mayRun(path: string, mounts: readonly ContainerMount[], isSure: boolean): boolean {
  const cover = coverOf(path, mounts);
  if (cover === undefined || cover.origin === "image") return isExecutable(path);
  return (cover.origin === "pod" && !isSure) || isExecutable(pathInVolume(path, cover));
}

/** What a container finds in its environment before anything is declared, as an image would give it. */
function baseEnvironment(pod: Pod, { user }: PodRuntime): Environment {
  return { PATH: user.path, HOME: user.home, HOSTNAME: pod.spec.hostname ?? pod.metadata.name };
}

interface SoughtExecutable {
  readonly executable: string;
  readonly cwd: string;
  readonly paths: readonly string[];
  readonly mounts: readonly ContainerMount[];
}

function missingExecutable(pod: Pod, container: Container, sought: SoughtExecutable): Problem {
  const { executable, cwd, paths, mounts } = sought;
  const hidden = paths.find(isExecutable);
  const cover = hidden === undefined ? undefined : coverOf(hidden, mounts);
  if (hidden !== undefined && cover !== undefined) return hiddenExecutable(pod, container, { hidden, cover });
  const isPath = executable.includes("/");
  const where = isPath ? `no executable file is there (from directory "${cwd}")` : "it isn't in PATH";
  return problem("MLT3102", {
    object: objectKey({ kind: "Pod", namespace: pod.metadata.namespace, name: pod.metadata.name }),
    path: `${containerPath(pod, container)}.command[0]`,
    message: `Cannot start container "${container.name}": "${executable}" can't be run, ${where}`,
    hint: isPath
      ? "containers run on this machine's own files: install it there, or set workingDir"
      : `install the package that has "${executable}", or add its directory to PATH in the container's env`,
  });
}

function hiddenExecutable(
  pod: Pod,
  container: Container,
  { hidden, cover }: { readonly hidden: string; readonly cover: ContainerMount },
): Problem {
  const index = (container.volumeMounts ?? []).findIndex(({ mountPath }) => mountPath === cover.target);
  const volume = container.volumeMounts?.[index]?.name;
  return problem("MLT3102", {
    object: objectKey({ kind: "Pod", namespace: pod.metadata.namespace, name: pod.metadata.name }),
    path: `${containerPath(pod, container)}.volumeMounts[${index}]`,
    message: `Cannot start container "${container.name}": volume "${volume}" at "${cover.target}" hides "${hidden}", which it is to run`,
    hint: "containers run on this machine's own files: have the program elsewhere, or mount the volume elsewhere",
  });
}

/** `sentence` says which mount is impossible, and why. */
export function missingMount(pod: Pod, container: Container, sentence: string): Problem {
  return problem("MLT3104", {
    severity: "error",
    object: objectKey({ kind: "Pod", namespace: pod.metadata.namespace, name: pod.metadata.name }),
    path: `${containerPath(pod, container)}.volumeMounts`,
    message: sentence,
  });
}
