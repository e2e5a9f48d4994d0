// Names and labels of an installation's objects. Those of a revision carry its name, so that several go side by side.

import type { InstallMetadata } from "./install-object.ts";
import type { InstallSettings } from "./install-settings.ts";

/** What builders are given: the settings, and the end of every name of this revision. */
export interface Installation extends InstallSettings {
  /** Empty for the revision `default`, else `-REVISION`. */
  readonly suffix: string;
}

export function installationOf(settings: InstallSettings): Installation {
  return { ...settings, suffix: settings.revision === "default" ? "" : `-${settings.revision}` };
}

export const PART_OF_LABEL = "app.kubernetes.io/part-of";
export const REVISION_LABEL = "istio.io/rev";

/** Metadata of an object of the control plane; without a namespace for those of the cluster. */
export function ownMetadata(installation: Installation, name: string, namespace?: string): InstallMetadata {
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    labels: ownLabels(installation),
  };
}

export function ownLabels({ revision }: Installation): Readonly<Record<string, string>> {
  return { "app.kubernetes.io/name": "meltemi", [PART_OF_LABEL]: "meltemi", [REVISION_LABEL]: revision };
}

export function controlPlaneName({ suffix }: Installation): string {
  return `meltemi${suffix}`;
}

export function injectorName({ suffix }: Installation): string {
  return `meltemi-sidecar-injector${suffix}`;
}

export function validatorName({ suffix }: Installation): string {
  return `meltemi-validator${suffix}`;
}

export function image({ hub, tag }: Installation, name: "control-plane" | "agent" | "cni"): string {
  return `${hub}/${name}:${tag}`;
}
