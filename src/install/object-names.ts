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

/** On all that the installer makes, and on nothing else: by it an upgrade and a removal know what is theirs. */
export const INSTALLED_LABEL = "install.meltemi.dev/installation";

export const INSTALLED_SELECTOR = `${INSTALLED_LABEL}=meltemi`;

export const installedLabels: Readonly<Record<string, string>> = {
  "app.kubernetes.io/part-of": "meltemi",
  [INSTALLED_LABEL]: "meltemi",
};

/** In every namespace; the control plane writes it, and pods mount it. */
export const ROOT_CERTIFICATE_CONFIG_MAP = "istio-ca-root-cert";

export const REVISION_LABEL = "istio.io/rev";

/** On the webhooks of a revision's tag: its name. */
export const TAG_LABEL = "istio.io/tag";

/** Of all objects of a tag. */
export function tagObjectName(tag: string): string {
  return `meltemi-revision-tag-${tag}`;
}

/** Metadata of an object of the control plane; without a namespace for those of the cluster. */
export function ownMetadata(installation: Installation, name: string, namespace?: string): InstallMetadata {
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    labels: ownLabels(installation),
  };
}

export function ownLabels({ revision }: Installation): Readonly<Record<string, string>> {
  return { "app.kubernetes.io/name": "meltemi", ...installedLabels, [REVISION_LABEL]: revision };
}

export function controlPlaneName({ suffix }: Installation): string {
  return `meltemi${suffix}`;
}

/** As Istio's, so that its tools find the mesh's configuration. */
export function meshConfigMapName({ suffix }: Installation): string {
  return `istio${suffix}`;
}

export function controlPlaneBindingName(installation: Installation): string {
  return `${controlPlaneName(installation)}-control-plane`;
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

/** The keys of token issuers, which the leading replica fetches; a revision's has its name added. */
export const ISSUER_KEYS_CONFIG_MAP = "meltemi-issuer-keys";
