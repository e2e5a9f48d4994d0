// Names that point to a revision: pods and objects say the tag, and move to another control plane when it is set anew.
// A tag is webhooks of its own, and the right of its control plane to write its CA into them.

import { wantedRevision } from "../inject/wanted-revision.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";
import { applyObject, deleteObject, getObject } from "../kubernetes/api-objects.ts";
import { FIELD_MANAGER } from "./apply-installation.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { installedRevisions, listObjects, revisionOf } from "./cluster-access.ts";
import type { InstallObject } from "./install-object.ts";
import { deploymentResource, injectorResource, namespaceResource, resourceOf } from "./install-resources.ts";
import type { InstallSettings } from "./install-settings.ts";
import type { Installation } from "./object-names.ts";
import {
  controlPlaneName,
  INSTALLED_SELECTOR,
  injectorName,
  installationOf,
  ownLabels,
  TAG_LABEL,
  tagObjectName,
} from "./object-names.ts";
import { restingInjector, tagConfigurations, webhookConfigurations } from "./webhook-configurations.ts";
import { untilInForce } from "./workload-health.ts";

export interface RevisionTag {
  readonly tag: string;
  readonly revision: string;
  /** Whose pods it injects, by their labels. */
  readonly namespaces: readonly string[];
}

export interface SetTagOptions {
  readonly tag: string;
  /** Though it points to another revision. */
  readonly isOverwrite: boolean;
  readonly timeoutMs: number;
}

export type TagVerdict =
  | { readonly kind: "done" }
  | { readonly kind: "fault"; readonly message: string; readonly hint?: string };

const TAG_SELECTOR = `${INSTALLED_SELECTOR},${TAG_LABEL}`;
const DEFAULT = "default";

export async function revisionTags(access: ClusterAccess): Promise<readonly RevisionTag[]> {
  const namespaces = await listObjects(access, namespaceResource);
  const injectors = await listObjects(access, injectorResource, TAG_SELECTOR);
  return injectors.map((injector) => {
    const tag = injector.metadata.labels?.[TAG_LABEL] ?? "";
    const users = namespaces.filter(({ metadata }) => wantedRevision(metadata.labels) === tag);
    const names = users.map(({ metadata }) => metadata.name);
    return { tag, revision: revisionOf(injector) ?? "", namespaces: names };
  });
}

/** `settings` are those of the revision that it shall point to. */
export async function setRevisionTag(
  access: ClusterAccess,
  settings: InstallSettings,
  { isOverwrite, tag, timeoutMs }: SetTagOptions,
): Promise<TagVerdict> {
  const { revision } = settings;
  const revisions = await installedRevisions(access, deploymentResource);
  if (!revisions.includes(revision)) {
    const known = revisions.length === 0 ? "none is" : `installed: ${revisions.join(", ")}`;
    return { kind: "fault", message: `revision "${revision}" isn't installed (${known})` };
  }
  if (tag === revision || (revisions.includes(tag) && tag !== DEFAULT))
    return { kind: "fault", message: `"${tag}" is the name of a revision` };
  const before = (await revisionTags(access)).find((each) => each.tag === tag);
  if (before !== undefined && before.revision !== revision && !isOverwrite) {
    const message = `it points to revision "${before.revision}"`;
    return { kind: "fault", message, hint: "--overwrite moves it" };
  }
  const objects = tagObjects(installationOf(settings), tag);
  for (const object of objects) await apply(access, object);
  const deadlineMs = access.clock.now() + timeoutMs;
  const [lack] = await untilInForce(access, objects, deadlineMs);
  if (lack !== undefined) return { kind: "fault", message: lack };
  // For a moment both are asked about a pod: the second puts its sidecar in place of the first's.
  if (tag === DEFAULT && revisions.includes(DEFAULT))
    await apply(access, restingInjector(installationOf({ ...settings, revision: DEFAULT })));
  return { kind: "done" };
}

export interface RemoveTagOptions {
  readonly tag: string;
  /** Though namespaces use it. */
  readonly isForced: boolean;
}

export async function removeRevisionTag(
  access: ClusterAccess,
  settings: InstallSettings,
  { isForced, tag }: RemoveTagOptions,
): Promise<TagVerdict> {
  const known = (await revisionTags(access)).find((each) => each.tag === tag);
  if (known === undefined)
    return { kind: "fault", message: "there is none of that name", hint: "meltemi tag list" };
  const name = tagObjectName(tag);
  const installation = installationOf({ ...settings, revision: DEFAULT });
  const resting = await getObject(access.client, injectorResource, { name: injectorName(installation) });
  // The revision of that name takes its pods again.
  const hasSuccessor = tag === DEFAULT && resting !== undefined;
  if (!hasSuccessor && !isForced && known.namespaces.length > 0) {
    const message = `new pods of namespace ${known.namespaces.join(", ")} ask for it, and would start without a sidecar`;
    return {
      kind: "fault",
      message,
      hint: "label them anew or move them first; --force removes it nonetheless",
    };
  }
  if (hasSuccessor) for (const object of webhookConfigurations(installation)) await apply(access, object);
  for (const { kind } of tagObjects(installation, tag))
    await deleteObject(access.client, resourceOf({ kind }), { name });
  return { kind: "done" };
}

async function apply({ client }: ClusterAccess, object: InstallObject): Promise<void> {
  const how = { fieldManager: FIELD_MANAGER, isForced: true };
  await applyObject(client, resourceOf(object), object as KubernetesObject, how);
}

export function tagObjects(installation: Installation, tag: string): readonly InstallObject[] {
  const labels = { ...ownLabels(installation), [TAG_LABEL]: tag };
  const metadata = { name: tagObjectName(tag), labels };
  const group = "rbac.authorization.k8s.io";
  const rbac = { apiVersion: `${group}/v1`, metadata };
  const { namespace } = installation;
  const rule = {
    apiGroups: ["admissionregistration.k8s.io"],
    resources: ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"],
    verbs: ["patch"],
    resourceNames: [metadata.name],
  };
  return [
    { ...rbac, kind: "ClusterRole", rules: [rule] },
    {
      ...rbac,
      kind: "ClusterRoleBinding",
      roleRef: { apiGroup: group, kind: "ClusterRole", name: metadata.name },
      subjects: [{ kind: "ServiceAccount", name: controlPlaneName(installation), namespace }],
    },
    ...tagConfigurations(installation, metadata),
  ];
}
