// What a removal would take away and whom it would leave alone, counted before anything is removed.

import { isInjected, wantedRevision } from "../inject/wanted-revision.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";
import type { Container } from "../kinds/pod/container.ts";
import { type ApiResource, resourcePath } from "../kubernetes/api-resource.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { installedRevisions, listObjects, revisionOf } from "./cluster-access.ts";
import { namespaceOfControlPlane } from "./control-plane-namespace.ts";
import type { CustomResourceDefinition } from "./custom-resource-definition.ts";
import {
  definitionResource,
  deploymentResource,
  injectorResource,
  namespaceResource,
  podResource,
} from "./install-resources.ts";
import type { InstallSettings } from "./install-settings.ts";
import { controlPlaneName, INSTALLED_LABEL, INSTALLED_SELECTOR, installationOf } from "./object-names.ts";
import type { InjectorConfiguration } from "./precheck.ts";

export interface RemovalPlan {
  /** Pods whose proxies ask its control plane: they keep what they have, and are told of no change any more. */
  readonly dependents: readonly DependentPods[];
  /** Whose new pods start without a sidecar: their labels ask for this revision, and nobody else injects them. */
  readonly askingNamespaces: readonly string[];
  /** What a purge takes besides; undefined where there is none, or another revision needs it. */
  readonly purged: PurgePlan | undefined;
}

export interface DependentPods {
  readonly namespace: string;
  readonly pods: readonly string[];
}

export interface PurgePlan {
  readonly definitionCount: number;
  /** Of the kinds that are defined, where there are any: users' own. */
  readonly objects: readonly { readonly kind: string; readonly count: number }[];
  readonly namespaces: readonly string[];
}

export async function planRemoval(
  access: ClusterAccess,
  settings: InstallSettings,
  { isPurge }: { readonly isPurge: boolean },
): Promise<RemovalPlan> {
  const revisions = await installedRevisions(access, deploymentResource);
  const isLast = revisions.every((revision) => revision === settings.revision);
  const all = await listObjects(access, namespaceResource);
  const namespaces = all.filter(isInstalled).map(({ metadata }) => metadata.name);
  // The installer's own gateway goes with the last control plane, and stays with any other.
  const dependents = await dependentPods(access, settings, isLast ? namespaces : []);
  const askingNamespaces = await namespacesThatAsk(access, all, settings.revision);
  if (!isPurge || !isLast) return { dependents, askingNamespaces, purged: undefined };
  const definitions = await listObjects(access, definitionResource, INSTALLED_SELECTOR);
  const objects = await countObjects(access, definitions as readonly CustomResourceDefinition[]);
  const purged = { definitionCount: definitions.length, objects, namespaces };
  return { dependents, askingNamespaces, purged };
}

function isInstalled({ metadata }: Pick<KubernetesObject, "metadata">): boolean {
  return metadata.labels?.[INSTALLED_LABEL] === "meltemi";
}

async function namespacesThatAsk(
  access: ClusterAccess,
  namespaces: readonly KubernetesObject[],
  revision: string,
): Promise<readonly string[]> {
  const injectors = (await listObjects(access, injectorResource)) as readonly InjectorConfiguration[];
  const others = injectors.filter((each) => !isInstalled(each) || revisionOf(each) !== revision);
  return namespaces
    .filter(({ metadata: { labels } }) => wantedRevision(labels) === revision && !isInjected(others, labels))
    .map(({ metadata }) => metadata.name)
    .sort();
}

interface ProxyPod extends KubernetesObject {
  readonly spec: {
    readonly containers: readonly Container[];
    readonly initContainers?: readonly Container[];
  };
  readonly status?: { readonly phase?: string };
}

async function dependentPods(
  access: ClusterAccess,
  settings: InstallSettings,
  passedOver: readonly string[],
): Promise<readonly DependentPods[]> {
  const namespace = await namespaceOfControlPlane(access, settings);
  if (namespace === undefined) return [];
  const host = `${controlPlaneName(installationOf(settings))}.${namespace}.svc`;
  const podsByNamespace = new Map<string, string[]>();
  for (const pod of (await listObjects(access, podResource)) as readonly ProxyPod[]) {
    const { namespace: place = "", name } = pod.metadata;
    if (passedOver.includes(place) || hasEnded(pod) || controlPlaneHost(pod) !== host) continue;
    podsByNamespace.set(place, [...(podsByNamespace.get(place) ?? []), name]);
  }
  return [...podsByNamespace].sort().map(([place, pods]) => ({ namespace: place, pods: pods.sort() }));
}

function hasEnded({ metadata, status }: ProxyPod): boolean {
  return metadata.deletionTimestamp !== undefined || ["Succeeded", "Failed"].includes(status?.phase ?? "");
}

/** Where its proxy has its certificates signed, which is what makes it depend: a tag's name isn't the revision's. */
function controlPlaneHost({ spec: { containers, initContainers = [] } }: ProxyPod): string | undefined {
  const proxy = [...containers, ...initContainers].find(({ name }) => name === "istio-proxy");
  const address = (proxy?.env ?? []).find(({ name }) => name === "CA_ADDR")?.value;
  return address?.replace(/:\d+$/, "");
}

async function countObjects(
  access: ClusterAccess,
  definitions: readonly CustomResourceDefinition[],
): Promise<PurgePlan["objects"]> {
  const counts: { kind: string; count: number }[] = [];
  for (const { spec } of definitions) {
    const { group, names, versions } = spec;
    const version = versions.find(({ storage }) => storage)?.name ?? "v1";
    const { kind, plural } = names;
    const apiVersion = `${group}/${version}`;
    const count = await countOf(access, { kind, apiVersion, plural, isNamespaced: true });
    if (count > 0) counts.push({ kind, count });
  }
  return counts.sort((one, other) => other.count - one.count);
}

/** The API server says how many there are besides the first. */
async function countOf({ client }: ClusterAccess, resource: ApiResource): Promise<number> {
  const answer = (await client.request({ path: resourcePath(resource), query: { limit: "1" } })) as {
    readonly items?: readonly object[];
    readonly metadata?: { readonly remainingItemCount?: number };
  };
  return (answer.items ?? []).length + (answer.metadata?.remainingItemCount ?? 0);
}
