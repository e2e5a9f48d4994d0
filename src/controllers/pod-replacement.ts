// Replaces pods that were made before injection answered: they wait for an image that never comes, and a pod is never
// injected later. It deletes those that have a controller, which makes another, where the control plane has that right.

import { type Backoff, backoffDelayMs } from "../core/backoff.ts";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import type { Pod } from "../kinds/pod/pod.ts";
import { podKind } from "../kinds/pod/pod.ts";
import type { ApiClient } from "../kubernetes/api-client.ts";
import { isApiError } from "../kubernetes/api-error.ts";
import { deleteObject } from "../kubernetes/api-objects.ts";
import { resourceOfKind } from "../kubernetes/api-resource.ts";
import { createNews } from "./news.ts";

export interface PodReplacementOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  /** Those that were made too early and would be injected now. */
  readonly pods: () => Iterable<Pod>;
  /** Calls when there may be others; returns what ends it. */
  readonly watchPods: (listener: () => void) => () => void;
}

/**
 * Of the pods of one controller: the next ones may be made too early as well, since API servers learn of webhooks one after
 * another, and a missing right may be given.
 */
const backoff: Backoff = { firstMs: 2_000, maxMs: 300_000 };
/** A controller whose pods weren't replaced for so long begins anew. */
const FORGET_MS = 600_000;

interface Tried {
  readonly count: number;
  readonly nextMs: number;
}

/** Works until the returned function is called. */
export function startPodReplacement(options: PodReplacementOptions): () => void {
  const { clock, pods, watchPods } = options;
  const stop = new AbortController();
  const { signal } = stop;
  const news = createNews(signal);
  const endWatch = watchPods(news.tell);
  const triedByOwner = new Map<string, Tried>();
  let cancel: () => void = () => undefined;
  const work = async () => {
    news.tell();
    while (!signal.aborted) {
      await news.next();
      const dueMs: number[] = [];
      for (const [owner, ofOwner] of podsByOwner(pods())) {
        if (signal.aborted) return;
        const before = triedByOwner.get(owner);
        const isDue = before === undefined || before.nextMs <= clock.now();
        const tried = isDue ? await replace(ofOwner, before?.count ?? 0, options) : before;
        triedByOwner.set(owner, tried);
        dueMs.push(tried.nextMs);
      }
      for (const [owner, { nextMs }] of triedByOwner)
        if (clock.now() - nextMs > FORGET_MS) triedByOwner.delete(owner);
      cancel();
      if (dueMs.length > 0) cancel = clock.after(Math.min(...dueMs) - clock.now(), news.tell);
    }
  };
  void work();
  return () => {
    stop.abort();
    endWatch();
    cancel();
  };
}

/** Those without a controller stay: nobody would make another. */
function podsByOwner(pods: Iterable<Pod>): ReadonlyMap<string, readonly Pod[]> {
  const byOwner = new Map<string, Pod[]>();
  for (const pod of pods) {
    const { namespace, ownerReferences } = pod.metadata;
    const owner = ownerReferences?.find(({ controller }) => controller === true);
    if (owner === undefined) continue;
    const key = `${namespace}/${owner.kind}/${owner.name}`;
    byOwner.set(key, [...(byOwner.get(key) ?? []), pod]);
  }
  return byOwner;
}

async function replace(
  pods: readonly Pod[],
  triedCount: number,
  { client, clock, log, random }: PodReplacementOptions,
): Promise<Tried> {
  for (const { metadata } of pods) {
    const { name, namespace, uid } = metadata;
    const pod = `${namespace}/${name}`;
    try {
      // Not another pod that has its name by now.
      const isDeleted = await deleteObject(client, resourceOfKind(podKind), { name, namespace }, { uid });
      if (isDeleted) log.info({ pod }, "pod made before injection answered is replaced");
    } catch (error) {
      if (isApiError(error, 409)) continue;
      const reason = error instanceof Error ? error.message : String(error);
      log.warn({ pod, reason }, "pod made before injection answered can't be replaced");
    }
  }
  return { count: triedCount + 1, nextMs: clock.now() + backoffDelayMs(triedCount, backoff, random) };
}
