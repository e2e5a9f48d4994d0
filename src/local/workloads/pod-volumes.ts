// The volumes of one pod on disk: made when a container needs them, rewritten when what they show changes,
// removed with the pod. Claims are directories of the namespace that stay. An update that fails is tried again.

import { join } from "node:path";
import type { Clock } from "../../core/clock.ts";
import { objectKey } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import { problem } from "../../core/problem.ts";
import type { Container } from "../../kinds/pod/container.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import type { Volume } from "../../kinds/pod/volume.ts";
import type { ContainerMount } from "../sandbox/mount-plan.ts";
import type { ContainerUser } from "./container-user.ts";
import type { Environment, ReferencedObjects } from "./environment.ts";
import { containerPath } from "./environment.ts";
import { nameObjection, subPathObjection } from "./manifest-path.ts";
import type { PodFiles } from "./pod-files.ts";
import type { Resolution } from "./resolution.ts";
import { resolved, unresolved } from "./resolution.ts";
import type { BackOff } from "./restart-policy.ts";
import { NO_BACK_OFF, nextBackOff } from "./restart-policy.ts";
import { expandVariables } from "./variable-expansion.ts";
import type { TokenRequest, VolumeFile } from "./volume-content.ts";
import { resolveVolume } from "./volume-content.ts";
import type { WrittenFile } from "./volume-writer.ts";
import { writeVolume } from "./volume-writer.ts";

export interface PodVolumesOptions {
  readonly pod: Pod;
  readonly objects: ReferencedObjects;
  readonly clock: Clock;
  readonly fileSystem: PodFiles;
  /** `pods/NAMESPACE/NAME` and `claims/NAMESPACE/CLAIM` come to lie under it. */
  readonly directory: string;
  /** Who runs containers that don't say: reads what they mount. */
  readonly defaultUser: { readonly uid: number; readonly gid: number };
  issueToken(request: TokenRequest): Promise<string>;
  /** Undefined withdraws what was told of that place. */
  onProblem(place: string, problem: Problem | undefined): void;
}

// A token is issued anew when this part of its life has passed, as kubelet does.
const TOKEN_RENEWAL_SHARE = 0.8;

/** Where a pod's volumes lie, and its namespace's claims, in the mesh's directory of volumes. */
export function volumeDirectoriesOf(
  directory: string,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): readonly [pod: string, claims: string] {
  return [join(directory, "pods", namespace, name), join(directory, "claims", namespace)];
}

interface WrittenVolume {
  readonly volume: Volume;
  /** Of the containers that mount it: one alone may read its tokens. */
  readonly users: readonly ContainerUser[];
}

export class PodVolumes {
  readonly #options: PodVolumesOptions;
  readonly #directory: string;
  readonly #claimsDirectory: string;
  /** Volumes of files that were written, so that they can be written again. */
  readonly #written = new Map<string, WrittenVolume>();
  readonly #cancelRenewals = new Map<string, () => void>();
  #cancelRetry: (() => void) | undefined;
  #retryBackOff: BackOff = NO_BACK_OFF;
  #lastWrite: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: PodVolumesOptions) {
    this.#options = options;
    const [directory, claims] = volumeDirectoriesOf(options.directory, options.pod.metadata);
    this.#directory = directory;
    this.#claimsDirectory = claims;
  }

  /** Makes what `container`, which runs as `user`, mounts. */
  async mount(
    container: Container,
    { environment, user }: { readonly environment: Environment; readonly user: ContainerUser },
  ): Promise<Resolution<ContainerMount[]>> {
    const mounts: ContainerMount[] = [];
    for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
      const volume = this.#options.pod.spec.volumes?.find((candidate) => candidate.name === mount.name);
      const path = `${containerPath(this.#options.pod, container)}.volumeMounts[${index}]`;
      if (volume === undefined) return unresolved(this.#unknownVolume(path, mount.name));
      const source = await this.#prepare(volume, user);
      if (source.kind === "unresolved") return source;
      const subPath =
        mount.subPathExpr === undefined ? mount.subPath : expandVariables(mount.subPathExpr, environment);
      const objection = subPath === undefined ? undefined : subPathObjection(subPath);
      if (objection !== undefined) return unresolved(this.#badPath(path, subPath ?? "", objection));
      mounts.push({
        ...source.value,
        target: mount.mountPath,
        readOnly: mount.readOnly === true || source.value.readOnly,
        ...(subPath === undefined ? {} : { subPath }),
      });
    }
    return resolved(mounts);
  }

  /** Brings written files in line with their objects; a source that has gone leaves the last files. Never rejects. */
  async refresh(): Promise<void> {
    const failures: Problem[] = [];
    for (const [name, { volume, users }] of this.#written) {
      if (this.#isClosed) return;
      try {
        await this.#prepare(volume, users);
        this.#options.onProblem(updatePlace(name), undefined);
      } catch (cause) {
        const failure = this.#failedUpdate(volume, cause);
        failures.push(failure);
        this.#options.onProblem(updatePlace(name), failure);
      }
    }
    this.#cancelRetry?.();
    if (failures.length === 0) {
      this.#retryBackOff = NO_BACK_OFF;
      return;
    }
    this.#retryBackOff = nextBackOff(this.#retryBackOff, 0);
    if (this.#isClosed) return;
    this.#cancelRetry = this.#options.clock.after(this.#retryBackOff.delayMs, () => void this.refresh());
  }

  /** Removes the pod's own; may be tried again. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const cancel of this.#cancelRenewals.values()) cancel();
    this.#cancelRetry?.();
    await this.#options.fileSystem.rm(this.#directory, { recursive: true, force: true });
  }

  async #prepare(
    volume: Volume,
    users: ContainerUser | readonly ContainerUser[],
  ): Promise<Resolution<Pick<ContainerMount, "source" | "origin"> & { readonly readOnly: boolean }>> {
    const { pod, objects } = this.#options;
    const outcome = resolveVolume(pod, volume, objects);
    if (outcome.kind === "unresolved") return outcome;
    const content = outcome.value;
    switch (content.kind) {
      case "host":
        this.#options.onProblem(content.warning.path ?? "", content.warning);
        return resolved({ source: content.path, origin: "machine", readOnly: false });
      case "claim": {
        const path = `${volumePath(pod, volume)}.persistentVolumeClaim.claimName`;
        const objection = nameObjection(content.claimName);
        if (objection !== undefined) return unresolved(this.#badPath(path, content.claimName, objection));
        const source = await this.#scratch(join(this.#claimsDirectory, content.claimName));
        return resolved({ source, origin: "pod", readOnly: content.isReadOnly });
      }
      case "scratch":
        return resolved({
          source: await this.#scratch(this.#placeOf(volume)),
          origin: "pod",
          readOnly: false,
        });
      case "files":
        return this.#writeFiles(volume, users, content.files);
    }
  }

  async #writeFiles(
    volume: Volume,
    users: ContainerUser | readonly ContainerUser[],
    files: readonly VolumeFile[],
  ): Promise<Resolution<{ source: string; origin: "mesh"; readOnly: true }>> {
    const { fileSystem } = this.#options;
    const known = this.#written.get(volume.name)?.users ?? [];
    const written = { volume, users: distinctUsers([...known, users].flat()) };
    const source = this.#placeOf(volume);
    const filled = await this.#fill(files, written.users);
    if (filled === undefined) return unresolved(this.#sharedToken(volume, written.users));
    this.#written.set(volume.name, written);
    this.#renewInTime(volume.name, files);
    await fileSystem.mkdir(this.#directory, { recursive: true, mode: 0o755 });
    await this.#inTurn(() => writeVolume(source, filled, fileSystem));
    // As in a cluster: no container writes what others read too.
    return resolved({ source, origin: "mesh", readOnly: true });
  }

  /** The pod's form was checked: a volume's name is no path. */
  #placeOf(volume: Volume): string {
    const objection = nameObjection(volume.name);
    if (objection !== undefined) throw new Error(`Cannot make volume "${volume.name}": ${objection}`);
    return join(this.#directory, volume.name);
  }

  /** A start of a container, an exec and a changed object may come at once; two writers would trip over each other. */
  #inTurn<T>(write: () => Promise<T>): Promise<T> {
    const result = this.#lastWrite.then(write);
    this.#lastWrite = result.catch(() => undefined);
    return result;
  }

  async #scratch(directory: string): Promise<string> {
    const { fileSystem } = this.#options;
    await fileSystem.mkdir(directory, { recursive: true });
    // As kubelet's: every user of the pod may write there.
    await fileSystem.chmod(directory, 0o777);
    return directory;
  }

  /** Undefined where a token would have to be readable for everybody. */
  async #fill(
    files: readonly VolumeFile[],
    users: readonly ContainerUser[],
  ): Promise<readonly WrittenFile[] | undefined> {
    const { defaultUser, pod } = this.#options;
    const { fsGroup } = pod.spec.securityContext ?? {};
    const written: WrittenFile[] = [];
    for (const { path, mode, content } of files) {
      if (content instanceof Uint8Array) {
        written.push({ path, mode, content, owner: defaultUser });
        continue;
      }
      const [first, second] = users;
      const group = first?.groups[0];
      const isGroups = fsGroup !== undefined && group !== undefined;
      if (second !== undefined && !isGroups) return undefined;
      const owner = { uid: first?.uid ?? defaultUser.uid, gid: group ?? first?.gid ?? defaultUser.gid };
      const token = await this.#options.issueToken(content);
      written.push({
        ...{ path, mode: isGroups ? 0o640 : 0o600, owner },
        content: new TextEncoder().encode(token),
      });
    }
    return written;
  }

  #renewInTime(volumeName: string, files: readonly VolumeFile[]): void {
    const lives = files.flatMap(({ content }) => (content instanceof Uint8Array ? [] : [content.ttlSeconds]));
    this.#cancelRenewals.get(volumeName)?.();
    this.#cancelRenewals.delete(volumeName);
    if (lives.length === 0 || this.#isClosed) return;
    const delayMs = Math.min(...lives) * TOKEN_RENEWAL_SHARE * 1000;
    this.#cancelRenewals.set(
      volumeName,
      this.#options.clock.after(delayMs, () => void this.refresh()),
    );
  }

  #failedUpdate(volume: Volume, cause: unknown): Problem {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return problem("MLT3109", {
      ...this.#at(volumePath(this.#options.pod, volume)),
      message: `Cannot update volume "${volume.name}", will try again; its files stay as they were: ${reason}`,
    });
  }

  #unknownVolume(path: string, name: string): Problem {
    return problem("MLT3105", {
      ...this.#at(path),
      message: `Cannot mount "${name}": the pod has no volume of this name`,
    });
  }

  #badPath(path: string, value: string, objection: string): Problem {
    return problem("MLT3105", { ...this.#at(path), message: `Cannot use "${value}" here: ${objection}` });
  }

  #sharedToken(volume: Volume, users: readonly ContainerUser[]): Problem {
    const uids = users.map(({ uid }) => uid).join(" and ");
    return problem("MLT3105", {
      ...this.#at(volumePath(this.#options.pod, volume)),
      message: `Cannot give the token of volume "${volume.name}" to users ${uids}: everybody could read it`,
      hint: "set spec.securityContext.fsGroup, or give the containers one runAsUser",
    });
  }

  #at(path: string) {
    const { namespace, name } = this.#options.pod.metadata;
    return { object: objectKey({ kind: "Pod", namespace, name }), path };
  }
}

function updatePlace(volumeName: string): string {
  return `volume ${volumeName}`;
}

function volumePath(pod: Pod, volume: Volume): string {
  return `spec.volumes[${(pod.spec.volumes ?? []).indexOf(volume)}]`;
}

function distinctUsers(users: readonly ContainerUser[]): readonly ContainerUser[] {
  return [...new Map(users.map((user) => [user.uid, user])).values()];
}
