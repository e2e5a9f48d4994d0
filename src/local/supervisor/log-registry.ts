// The logs of all containers that run, by pod; each line is also told to one listener, the front's.

import { join } from "node:path";
import type { Pod } from "../../kinds/pod/pod.ts";
import type { LogLine } from "../workloads/container-log.ts";
import { ContainerLog } from "../workloads/container-log.ts";

export interface LogListener {
  onLine(pod: Pod, container: string, line: LogLine): void;
  /** The container's file can't be written, or, with undefined, can again. */
  onFileProblem(pod: Pod, container: string, reason: string | undefined): void;
}

export class LogRegistry {
  readonly #directory: string;
  readonly #listener: LogListener;
  readonly #logsByPod = new Map<string, Map<string, ContainerLog>>();

  /** Files come to lie in `directory`, as NAMESPACE_POD_CONTAINER.log. */
  constructor(directory: string, listener: LogListener) {
    this.#directory = directory;
    this.#listener = listener;
  }

  /** The log of a container, made when it is first asked for. */
  log(pod: Pod, container: string): ContainerLog {
    const key = podKey(pod.metadata);
    const logs = this.#logsByPod.get(key) ?? new Map<string, ContainerLog>();
    this.#logsByPod.set(key, logs);
    const existing = logs.get(container);
    if (existing !== undefined) return existing;
    const { namespace, name } = pod.metadata;
    const created = new ContainerLog({
      file: join(this.#directory, `${namespace}_${name}_${container}.log`),
      onFileProblem: (reason) => this.#listener.onFileProblem(pod, container, reason),
    });
    created.watch((line) => this.#listener.onLine(pod, container, line));
    logs.set(container, created);
    return created;
  }

  /** Those that exist, by container. */
  logsOf(place: { readonly namespace: string; readonly name: string }): ReadonlyMap<string, ContainerLog> {
    return this.#logsByPod.get(podKey(place)) ?? new Map();
  }

  /** The pod is gone; its files stay. */
  forget(place: { readonly namespace: string; readonly name: string }): void {
    for (const log of this.logsOf(place).values()) log.close();
    this.#logsByPod.delete(podKey(place));
  }

  close(): void {
    for (const logs of this.#logsByPod.values()) for (const log of logs.values()) log.close();
    this.#logsByPod.clear();
  }
}

function podKey({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}
