// What installing and removing are given to work with: the API server, time, and somebody who is told how it goes.

import type { Clock } from "../core/clock.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";
import type { ApiClient } from "../kubernetes/api-client.ts";
import type { ApiResource } from "../kubernetes/api-resource.ts";
import { resourcePath } from "../kubernetes/api-resource.ts";
import { INSTALLED_SELECTOR, REVISION_LABEL } from "./object-names.ts";

export interface ClusterAccess {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** One sentence for each step, as it is done. */
  readonly onProgress: (sentence: string) => void;
}

export function pause({ clock, signal }: ClusterAccess, delayMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      cancel();
      reject(new Error("Stopped by the user", { cause: signal.reason }));
    };
    const cancel = clock.after(delayMs, () => {
      signal.removeEventListener("abort", stop);
      resolve();
    });
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}

/** Of all namespaces; `labelSelector` as the API server reads it. Items carry no kind of their own. */
export async function listObjects(
  { client }: ClusterAccess,
  resource: ApiResource,
  labelSelector?: string,
): Promise<readonly KubernetesObject[]> {
  const query = { limit: String(PAGE_SIZE), ...(labelSelector !== undefined && { labelSelector }) };
  const path = resourcePath(resource);
  const items: KubernetesObject[] = [];
  for (let next: string | undefined = ""; next !== undefined; ) {
    const page: ListAnswer = (await client.request({
      path,
      query: next === "" ? query : { ...query, continue: next },
    })) as ListAnswer;
    items.push(...(page.items ?? []));
    next = page.metadata?.continue || undefined;
  }
  return items;
}

interface ListAnswer {
  readonly items?: readonly KubernetesObject[];
  readonly metadata?: { readonly continue?: string };
}

const PAGE_SIZE = 500;

/** Undefined for what all revisions share. */
export function revisionOf({ metadata }: Pick<KubernetesObject, "metadata">): string | undefined {
  return metadata.labels?.[REVISION_LABEL];
}

/** Of the control planes that are installed. */
export async function installedRevisions(
  access: ClusterAccess,
  deployments: ApiResource,
): Promise<readonly string[]> {
  const selector = `${INSTALLED_SELECTOR},app.kubernetes.io/name=meltemi`;
  return (await listObjects(access, deployments, selector)).flatMap((object) => revisionOf(object) ?? []);
}
