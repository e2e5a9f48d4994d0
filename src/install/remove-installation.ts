// Takes one revision's control plane out of a cluster. Users' objects, the definitions of their kinds and the CA stay,
// so that a later installation continues where this one ended; with `isPurge` nothing stays.

import type { KubernetesObject } from "../kinds/define-kind.ts";
import { deleteObject, getObject } from "../kubernetes/api-objects.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { installedRevisions, listObjects, pause, revisionOf } from "./cluster-access.ts";
import {
  configMapResource,
  definitionResource,
  deploymentResource,
  namespaceResource,
  podResource,
  removableResources,
} from "./install-resources.ts";
import { INSTALLED_SELECTOR, ROOT_CERTIFICATE_CONFIG_MAP } from "./object-names.ts";

export interface RemovalOptions {
  readonly revision: string;
  readonly isPurge: boolean;
  readonly timeoutMs: number;
}

export interface RemovalVerdict {
  readonly removedCount: number;
  /** Other control planes that are still there: what all share stays for them. */
  readonly otherRevisions: readonly string[];
  /** What was still going when the time was over. */
  readonly remaining: readonly string[];
}

export async function removeInstallation(
  access: ClusterAccess,
  options: RemovalOptions,
): Promise<RemovalVerdict> {
  const { isPurge, revision, timeoutMs } = options;
  const otherRevisions = (await installedRevisions(access, deploymentResource)).filter(
    (other) => other !== revision,
  );
  const isLast = otherRevisions.length === 0;
  const deadlineMs = access.clock.now() + timeoutMs;
  let removedCount = 0;
  const isGoing = (object: KubernetesObject) => {
    const owner = revisionOf(object);
    return owner === revision || (owner === undefined && isLast);
  };
  for (const resource of removableResources) {
    // A pod that ends still asks the API server, and the CNI plugin unchains itself only if it may.
    if (resource === firstOfRights) await untilPodsAreGone(access, isGoing, deadlineMs);
    const found = await listObjects(access, resource, INSTALLED_SELECTOR);
    const going = found.filter(isGoing);
    for (const { metadata } of going) await deleteObject(access.client, resource, metadata);
    removedCount += going.length;
    if (going.length > 0) access.onProgress(`${going.length} ${resource.plural} removed`);
  }
  if (!isPurge || !isLast) return { removedCount, otherRevisions, remaining: [] };
  const purged = await purge(access, deadlineMs);
  return { removedCount: removedCount + purged.count, otherRevisions, remaining: purged.remaining };
}

const firstOfRights = removableResources.find(({ kind }) => kind === "ClusterRoleBinding");

async function untilPodsAreGone(
  access: ClusterAccess,
  isGoing: (object: KubernetesObject) => boolean,
  deadlineMs: number,
): Promise<void> {
  while (access.clock.now() < deadlineMs) {
    const pods = await listObjects(access, podResource, INSTALLED_SELECTOR);
    if (!pods.some(isGoing)) return;
    await pause(access, 500);
  }
}

async function purge(access: ClusterAccess, deadlineMs: number) {
  const waitedFor: { readonly resource: typeof definitionResource; readonly name: string }[] = [];
  let count = await removeRootCertificates(access);
  for (const resource of [definitionResource, namespaceResource]) {
    for (const { metadata } of await listObjects(access, resource, INSTALLED_SELECTOR)) {
      await deleteObject(access.client, resource, { name: metadata.name });
      waitedFor.push({ resource, name: metadata.name });
      count++;
    }
  }
  access.onProgress(`${waitedFor.length} definitions and namespaces are going`);
  let remaining = waitedFor;
  for (;;) {
    const still: typeof waitedFor = [];
    for (const each of remaining) {
      if ((await getObject(access.client, each.resource, { name: each.name })) !== undefined)
        still.push(each);
    }
    remaining = still;
    if (remaining.length === 0 || access.clock.now() >= deadlineMs) break;
    await pause(access, 500);
  }
  return { count, remaining: remaining.map(({ name, resource }) => `${resource.kind} ${name}`) };
}

/** Those that our control plane wrote; another mesh's of the same name lack the label. */
async function removeRootCertificates(access: ClusterAccess): Promise<number> {
  const found = (await listObjects(access, configMapResource, "app.kubernetes.io/managed-by=meltemi")).filter(
    ({ metadata }) => metadata.name === ROOT_CERTIFICATE_CONFIG_MAP,
  );
  for (const { metadata } of found) await deleteObject(access.client, configMapResource, metadata);
  return found.length;
}
