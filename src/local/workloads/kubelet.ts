// The local kubelet: every Pod of the store is run, its status written back, and its object deleted when the
// last of it is gone. It decides nothing about which pods there should be.

import type { ObjectKey } from "../../core/object-key.ts";
import { parseObjectKey } from "../../core/object-key.ts";
import type { KubernetesObject } from "../../kinds/define-kind.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import { isTerminating } from "./pod-condition.ts";
import { PodRunner } from "./pod-runner.ts";
import type { PodRuntime } from "./pod-runtime.ts";
import { stableJson } from "./template-hash.ts";
import type { ObjectChanges, WorkloadStore } from "./workload-store.ts";
import { keyOfObject } from "./workload-store.ts";

export interface KubeletOptions {
  readonly store: WorkloadStore;
  readonly runtime: Omit<PodRuntime, "onStatus">;
  /** A pod has ended and left nothing behind. */
  readonly onGone: (pod: Pod) => void;
}

export class Kubelet {
  readonly #options: KubeletOptions;
  readonly #runners = new Map<ObjectKey, PodRunner>();
  readonly #unwritten = new Map<ObjectKey, Pod>();
  readonly #endWatch: () => void;
  #isFlushDue = false;
  #isClosed = false;

  constructor(options: KubeletOptions) {
    this.#options = options;
    this.#endWatch = options.store.watch((changes) => this.#onChanges(changes));
    for (const pod of options.store.list("Pod")) this.#onPod(keyOfObject(pod), pod);
  }

  runner(key: ObjectKey): PodRunner | undefined {
    return this.#runners.get(key);
  }

  runners(): Iterable<PodRunner> {
    return this.#runners.values();
  }

  /** Ends all pods with at most `graceSeconds` each. */
  async close(graceSeconds: number): Promise<void> {
    this.#isClosed = true;
    this.#endWatch();
    await Promise.all([...this.#runners.values()].map((runner) => runner.terminate(graceSeconds)));
  }

  #onChanges(changes: ObjectChanges): void {
    let areReferencesChanged = false;
    for (const [key, object] of changes) {
      const { kind } = parseObjectKey(key);
      if (kind === "Pod") this.#onPod(key, object);
      else if (kind === "ConfigMap" || kind === "Secret") areReferencesChanged = true;
    }
    if (!areReferencesChanged) return;
    for (const runner of this.#runners.values()) void runner.refresh();
  }

  #onPod(key: ObjectKey, object: KubernetesObject | undefined): void {
    if (this.#isClosed) return;
    const runner = this.#runners.get(key);
    if (object === undefined) {
      if (runner !== undefined) this.#endInTime(key, runner);
      return;
    }
    const stored: unknown = object;
    const pod = stored as Pod;
    if (isTerminating(pod)) {
      if (runner === undefined) this.#options.store.delete([key]);
      else this.#endInTime(key, runner);
    } else if (runner === undefined) {
      this.#start(key, pod);
    }
  }

  #start(key: ObjectKey, pod: Pod): void {
    const runner = new PodRunner(pod, {
      ...this.#options.runtime,
      onStatus: (latest) => this.#queueStatus(key, latest),
    });
    this.#runners.set(key, runner);
    runner.start();
  }

  #endInTime(key: ObjectKey, runner: PodRunner): void {
    this.#end(key, runner).catch((cause) => {
      const { log } = this.#options.runtime;
      log.error({ pod: key, cause: cause instanceof Error ? cause.message : String(cause) }, "pod not ended");
    });
  }

  async #end(key: ObjectKey, runner: PodRunner): Promise<void> {
    await runner.terminate();
    if (this.#runners.get(key) !== runner) return;
    this.#runners.delete(key);
    this.#unwritten.delete(key);
    this.#options.onGone(runner.pod);
    if (this.#options.store.get(key) !== undefined) this.#options.store.delete([key]);
  }

  // A pod's start changes its status several times in one turn of the loop: one write tells the last.
  #queueStatus(key: ObjectKey, pod: Pod): void {
    this.#unwritten.set(key, pod);
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    this.#isFlushDue = false;
    const written: KubernetesObject[] = [];
    for (const [key, { status }] of this.#unwritten) {
      const stored = this.#options.store.get(key);
      if (stored === undefined || stableJson(stored.status ?? {}) === stableJson(status ?? {})) continue;
      written.push({ ...stored, status });
    }
    this.#unwritten.clear();
    if (written.length > 0) this.#options.store.apply(written);
  }
}
