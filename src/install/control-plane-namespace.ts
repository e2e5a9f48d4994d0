// Where a revision's control plane was installed, as only who may give its rights can have said it.

import { getObject } from "../kubernetes/api-objects.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { resourceOf } from "./install-resources.ts";
import type { InstallSettings } from "./install-settings.ts";
import { controlPlaneBindingName, installationOf } from "./object-names.ts";

/** Undefined where it isn't installed. Not by labels of Deployments: whoever has a namespace can write them. */
export async function namespaceOfControlPlane(
  { client }: ClusterAccess,
  settings: InstallSettings,
): Promise<string | undefined> {
  const name = controlPlaneBindingName(installationOf(settings));
  const binding = await getObject(client, resourceOf({ kind: "ClusterRoleBinding" }), { name });
  const { subjects = [] } = (binding ?? {}) as {
    readonly subjects?: readonly { readonly namespace?: string }[];
  };
  return subjects[0]?.namespace;
}
