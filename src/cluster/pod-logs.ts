// What a pod's containers printed, line by line, as the kubelet keeps it.

import { createInterface } from "node:readline";
import type { LogQuery } from "../admin/contract/mesh.ts";
import type { LogLine } from "../admin/contract/supervisor.ts";
import { resourcePath } from "../kubernetes/api-resource.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { podResource } from "./control-plane-replicas.ts";

export interface ContainerName {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

/** The kubelet doesn't say which stream a line was printed to: all are given as standard output. */
export async function* containerLines(
  { client }: ClusterAccess,
  { namespace, pod, container }: ContainerName,
  { isFollowing, signal, sinceMs, tailCount }: LogQuery,
): AsyncGenerator<LogLine> {
  const answer = await client.open({
    path: resourcePath(podResource, { namespace, name: pod, subresource: "log" }),
    query: {
      container,
      follow: String(isFollowing),
      ...(tailCount !== undefined && { tailLines: String(tailCount) }),
      ...(sinceMs !== undefined && { sinceSeconds: String(Math.max(1, Math.ceil(sinceMs / 1000))) }),
    },
    signal,
  });
  try {
    for await (const text of createInterface({ input: answer, crlfDelay: Number.POSITIVE_INFINITY })) {
      yield { container, stream: "stdout", text };
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    answer.destroy();
  }
}

/** Of several sources at once, each item as it comes; who opened the sources ends them. */
export async function* interleave<T>(sources: readonly AsyncIterator<T>[]): AsyncGenerator<T> {
  const next = (source: AsyncIterator<T>) => source.next().then((result) => ({ source, result }));
  const pending = new Map(sources.map((source) => [source, next(source)]));
  while (pending.size > 0) {
    const { source, result } = await Promise.race(pending.values());
    if (result.done === true) {
      pending.delete(source);
    } else {
      yield result.value;
      pending.set(source, next(source));
    }
  }
}
