// The volumes of one pod on disk: made when a container needs them, rewritten when what they show changes,
// removed with the pod. Claims are directories of the namespace that stay.

import { chmod, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../core/clock.ts";
import type { Problem } from "../../core/problem.ts";
import { problem } from "../../core/problem.ts";
import type { Container } from "../../kinds/pod/container.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import type { Volume } from "../../kinds/pod/volume.ts";
import type { Environment, ReferencedObjects } from "./environment.ts";
import { containerPath } from "./environment.ts";
import type { Resolution } from "./resolution.ts";
import { resolved, unresolved } from "./resolution.ts";
import { expandVariables } from "./variable-expansion.ts";
import type { TokenRequest, VolumeFile } from "./volume-content.ts";
import { resolveVolume } from "./volume-content.ts";
import type { WrittenFile } from "./volume-writer.ts";
import { writeVolume } from "./volume-writer.ts";

export interface VolumeMountPoint {
  readonly source: string;
  readonly target: string;
  readonly readOnly?: boolean;
  readonly subPath?: string;
}

export interface PodVolumesOptions {
  readonly pod: Pod;
  readonly objects: ReferencedObjects;
  readonly clock: Clock;
  /** `pods/NAMESPACE/NAME` and `claims/NAMESPACE/CLAIM` come to lie under it. */
  readonly directory: string;
  issueToken(request: TokenRequest): Promise<string>;
  onWarning(problem: Problem): void;
}

// A token is issued anew when this part of its life has passed, as kubelet does.
const TOKEN_RENEWAL_SHARE = 0.8;

export class PodVolumes {
  readonly #options: PodVolumesOptions;
  readonly #directory: string;
  /** Volumes of files that were written, so that they can be written again. */
  readonly #written = new Map<string, Volume>();
  #cancelRenewal: (() => void) | undefined;
  #lastWrite: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: PodVolumesOptions) {
    this.#options = options;
    const { namespace, name } = options.pod.metadata;
    this.#directory = join(options.directory, "pods", namespace, name);
  }

  /** Makes what `container` mounts. */
  async mount(container: Container, environment: Environment): Promise<Resolution<VolumeMountPoint[]>> {
    const mounts: VolumeMountPoint[] = [];
    for (const mount of container.volumeMounts ?? []) {
      const volume = this.#options.pod.spec.volumes?.find((candidate) => candidate.name === mount.name);
      if (volume === undefined) return unresolved(this.#unknownVolume(container, mount.name));
      const source = await this.#prepare(volume);
      if (source.kind === "unresolved") return source;
      const subPath =
        mount.subPathExpr === undefined ? mount.subPath : expandVariables(mount.subPathExpr, environment);
      if (subPath !== undefined && !this.#written.has(volume.name)) {
        await mkdir(join(source.value, subPath), { recursive: true });
      }
      mounts.push({
        source: source.value,
        target: mount.mountPath,
        ...(mount.readOnly === undefined ? {} : { readOnly: mount.readOnly }),
        ...(subPath === undefined ? {} : { subPath }),
      });
    }
    return resolved(mounts);
  }

  /** Brings written files in line with their objects; a source that has gone leaves the last files. */
  async refresh(): Promise<void> {
    for (const volume of this.#written.values()) {
      if (!this.#isClosed) await this.#prepare(volume);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelRenewal?.();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #prepare(volume: Volume): Promise<Resolution<string>> {
    const { pod, objects, directory } = this.#options;
    const outcome = resolveVolume(pod, volume, objects);
    if (outcome.kind === "unresolved") return outcome;
    const content = outcome.value;
    switch (content.kind) {
      case "host":
        this.#options.onWarning(content.warning);
        return resolved(content.path);
      case "claim":
        return resolved(
          await this.#scratch(join(directory, "claims", pod.metadata.namespace, content.claimName)),
        );
      case "scratch":
        return resolved(await this.#scratch(join(this.#directory, volume.name)));
      case "files": {
        this.#written.set(volume.name, volume);
        const target = join(this.#directory, volume.name);
        await mkdir(this.#directory, { recursive: true, mode: 0o755 });
        await this.#inTurn(async () => writeVolume(target, await this.#fill(content.files)));
        return resolved(target);
      }
    }
  }

  /** A start of a container, an exec and a changed object may come at once; two writers would trip over each other. */
  #inTurn<T>(write: () => Promise<T>): Promise<T> {
    const result = this.#lastWrite.then(write);
    this.#lastWrite = result.catch(() => undefined);
    return result;
  }

  async #scratch(directory: string): Promise<string> {
    await mkdir(directory, { recursive: true });
    // As kubelet's: every user of the pod may write there.
    await chmod(directory, 0o777);
    return directory;
  }

  async #fill(files: readonly VolumeFile[]): Promise<readonly WrittenFile[]> {
    const written: WrittenFile[] = [];
    for (const file of files) {
      const { content } = file;
      if (content instanceof Uint8Array) {
        written.push({ ...file, content });
        continue;
      }
      this.#renewIn(content.ttlSeconds * TOKEN_RENEWAL_SHARE * 1000);
      written.push({ ...file, content: new TextEncoder().encode(await this.#options.issueToken(content)) });
    }
    return written;
  }

  #renewIn(delayMs: number): void {
    this.#cancelRenewal?.();
    this.#cancelRenewal = this.#options.clock.after(delayMs, () => void this.refresh());
  }

  #unknownVolume(container: Container, name: string): Problem {
    return problem("MLT3105", {
      path: `${containerPath(this.#options.pod, container)}.volumeMounts`,
      message: `Cannot mount "${name}": the pod has no volume of this name`,
    });
  }
}
