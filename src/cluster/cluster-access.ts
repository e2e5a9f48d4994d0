// What the files of this room are given to work with.

import type { Clock } from "../core/clock.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";
import type { StreamingApiClient } from "../kubernetes/api-client.ts";
import type { ApiName, ApiResource } from "../kubernetes/api-resource.ts";
import { resourcePath } from "../kubernetes/api-resource.ts";

export interface ClusterAccess {
  readonly client: StreamingApiClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const PAGE_SIZE = 500;

interface ListAnswer<T> {
  readonly metadata?: { readonly continue?: string };
  readonly items?: readonly T[];
}

/** All pages. Items have no kind and apiVersion of their own. */
export async function listAll<T = KubernetesObject>(
  { client, signal }: ClusterAccess,
  resource: ApiResource,
  { labelSelector, ...name }: ApiName & { readonly labelSelector?: string } = {},
): Promise<readonly T[]> {
  const items: T[] = [];
  let next: string | undefined;
  do {
    const answer = (await client.request({
      path: resourcePath(resource, name),
      query: {
        limit: String(PAGE_SIZE),
        ...(labelSelector !== undefined && { labelSelector }),
        ...(next !== undefined && { continue: next }),
      },
      signal,
    })) as ListAnswer<T>;
    items.push(...(answer.items ?? []));
    next = answer.metadata?.continue || undefined;
  } while (next !== undefined);
  return items;
}
