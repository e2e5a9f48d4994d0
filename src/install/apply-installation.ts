// Brings a cluster to what the settings say, stage by stage, and tells whether it works. It is the same for a first
// installation and for an upgrade; what an earlier one made and is wanted no more goes last.

import type { KubernetesObject } from "../kinds/define-kind.ts";
import { applyObject, deleteObject, getObject } from "../kubernetes/api-objects.ts";
import type { ApiResource } from "../kubernetes/api-resource.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { installedRevisions, listObjects, revisionOf } from "./cluster-access.ts";
import type { InstallMetadata, InstallObject } from "./install-object.ts";
import {
  configMapResource,
  definitionResource,
  deploymentResource,
  injectorResource,
  namespaceResource,
  removableResources,
  resourceOf,
} from "./install-resources.ts";
import { DEFAULT_NAMESPACE, type InstallSettings } from "./install-settings.ts";
import { installStages } from "./installation-objects.ts";
import {
  INSTALLED_LABEL,
  INSTALLED_SELECTOR,
  installationOf,
  TAG_LABEL,
  tagObjectName,
} from "./object-names.ts";
import { restingInjector } from "./webhook-configurations.ts";
import { untilInForce } from "./workload-health.ts";

export interface InstallVerdict {
  readonly isHealthy: boolean;
  /** What lacks, a sentence each. */
  readonly findings: readonly string[];
}

export const FIELD_MANAGER = "meltemi-install";

/** Throws an ApiError for what the API server refuses. */
export async function applyInstallation(
  access: ClusterAccess,
  settings: InstallSettings,
  { timeoutMs }: { readonly timeoutMs: number },
): Promise<InstallVerdict> {
  const deadlineMs = access.clock.now() + timeoutMs;
  for (const { objects, title } of installStages(settings)) {
    const applied: InstallObject[] = [];
    for (const object of objects) {
      const wanted = await scaledAsItIs(access, await restingWhereTagged(access, object, settings), settings);
      if (await applyUnlessForeign(access, wanted, settings)) applied.push(wanted);
    }
    access.onProgress(`${title}: ${applied.length} objects applied`);
    // The webhooks come after the control plane: while it doesn't run, they would only be in the way.
    const findings = await untilInForce(access, applied, deadlineMs);
    if (findings.length > 0) return { isHealthy: false, findings };
  }
  await removeStale(access, settings);
  return { isHealthy: true, findings: [] };
}

/** The injector of the revision `default` rests while a tag stands in for it. */
async function restingWhereTagged(
  { client }: ClusterAccess,
  object: InstallObject,
  settings: InstallSettings,
): Promise<InstallObject> {
  const isInjector = object.kind === "MutatingWebhookConfiguration";
  if (!isInjector || settings.revision !== "default") return object;
  const tag = await getObject(client, injectorResource, { name: tagObjectName("default") });
  return tag === undefined ? object : restingInjector(installationOf(settings));
}

/**
 * A Deployment that scales by itself says no number, and would begin with one replica: it is told the fewest, and on an
 * upgrade the number that it has by now.
 */
async function scaledAsItIs(
  { client }: ClusterAccess,
  object: InstallObject,
  { replicas }: InstallSettings,
): Promise<InstallObject> {
  const spec = object.spec as { readonly replicas?: number } | undefined;
  if (object.kind !== "Deployment" || spec?.replicas !== undefined) return object;
  const existing = await getObject(client, deploymentResource, object.metadata);
  const current = (existing?.spec as { readonly replicas?: number } | undefined)?.replicas ?? 0;
  return { ...object, spec: { ...spec, replicas: Math.max(current, replicas) } };
}

async function applyUnlessForeign(
  access: ClusterAccess,
  object: InstallObject,
  { namespace }: InstallSettings,
): Promise<boolean> {
  const { kind, metadata } = object;
  if (kind === "CustomResourceDefinition" && (await isForeign(access, definitionResource, metadata))) {
    access.onProgress(`${metadata.name} is another mesh's, and left as it is`);
    return false;
  }
  // Others may live there, who don't conform to our level of Pod Security, and who outlive us.
  const isChosen = kind === "Namespace" && metadata.name === namespace && namespace !== DEFAULT_NAMESPACE;
  if (isChosen && (await isForeign(access, namespaceResource, metadata))) {
    access.onProgress(`namespace ${namespace} was there before, and is left as it is`);
    return false;
  }
  // Where Istio runs, it is Istio's, and the control plane reads it all the same.
  if (kind === "ConfigMap" && (await isForeign(access, configMapResource, metadata))) {
    access.onProgress(
      `ConfigMap ${metadata.namespace}/${metadata.name} was there before, and is left as it is: it configures the mesh`,
    );
    return false;
  }
  const options = { fieldManager: FIELD_MANAGER, isForced: true };
  await applyObject(access.client, resourceOf(object), object as KubernetesObject, options);
  return true;
}

// Definitions, namespaces and the mesh's configuration are of one form whoever brings them; whose they are decides who
// removes them.
async function isForeign(
  { client }: ClusterAccess,
  resource: ApiResource,
  { name, namespace }: InstallMetadata,
): Promise<boolean> {
  const place = resource.isNamespaced && namespace !== undefined ? { namespace } : {};
  const existing = await getObject(client, resource, { name, ...place });
  return existing !== undefined && existing.metadata.labels?.[INSTALLED_LABEL] !== "meltemi";
}

async function removeStale(access: ClusterAccess, settings: InstallSettings): Promise<void> {
  const stages = installStages(settings);
  const wanted = new Set(stages.flatMap(({ objects }) => objects.map(nameOf)));
  const others = (await installedRevisions(access, deploymentResource)).filter(
    (revision) => revision !== settings.revision,
  );
  // What all revisions share, such as the ingress gateway, is of the one that brings it.
  const mayRemoveShared = settings.revision === "default" && others.length === 0;
  for (const resource of removableResources) {
    for (const object of await listObjects(access, resource, INSTALLED_SELECTOR)) {
      const revision = revisionOf(object);
      const isOurs = revision === settings.revision || (revision === undefined && mayRemoveShared);
      const name = nameOf({ ...object, kind: resource.kind });
      const isOfTag = object.metadata.labels?.[TAG_LABEL] !== undefined;
      if (!isOurs || isOfTag || wanted.has(name)) continue;
      await deleteObject(access.client, resource, object.metadata);
      access.onProgress(`${name} is no longer wanted, and removed`);
    }
  }
}

function nameOf({ kind, metadata: { name, namespace } }: Pick<InstallObject, "kind" | "metadata">): string {
  return namespace === undefined ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}
