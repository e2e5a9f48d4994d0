// From what a user chose on the command line to settings, or to what is wrong with the choice.

import type { MeshConfigSpec } from "../kinds/mesh-config/mesh-config.ts";
import { isDnsLabel } from "../kinds/object-name.ts";
import type { InstallSettings } from "./install-settings.ts";
import { cniRepairs, imagePullPolicies, profileNames, profileSettings } from "./install-settings.ts";

/** Absent ones are the profile's. */
export interface SettingsChoices {
  readonly profile?: string;
  readonly revision?: string;
  readonly hub?: string;
  readonly tag?: string;
  readonly imagePullPolicy?: string;
  readonly replicas?: string;
  readonly cniRepair?: string;
  readonly cniBinDir?: string;
  readonly cniConfDir?: string;
  readonly meshConfig?: MeshConfigSpec;
}

export type ChosenSettings = { readonly kind: "chosen"; readonly settings: InstallSettings } | SettingsFault;

interface SettingsFault {
  readonly kind: "fault";
  readonly message: string;
}

/** `version` is this program's, and the tag of the images that go with it. */
export function chooseSettings(choices: SettingsChoices, version: string): ChosenSettings {
  const profile = profileNames.find((name) => name === (choices.profile ?? "default"));
  if (profile === undefined)
    return fault(`there is no profile "${choices.profile}", only ${profileNames.join(", ")}`);
  const base = profileSettings(profile, version);
  const { hub = base.hub, meshConfig, revision = base.revision, tag = base.tag } = choices;
  if (!isDnsLabel(revision) || revision.length > 40)
    return fault(`"${revision}" isn't a revision, wanted at most 40 lower-case letters, digits and hyphens`);
  const imagePullPolicy = imagePullPolicies.find(
    (name) => name === (choices.imagePullPolicy ?? base.imagePullPolicy),
  );
  if (imagePullPolicy === undefined)
    return fault(`"${choices.imagePullPolicy}" isn't a pull policy, wanted ${imagePullPolicies.join(", ")}`);
  const cni = chooseCni(choices, base);
  if ("kind" in cni) return cni;
  const replicas = choices.replicas === undefined ? base.replicas : Number(choices.replicas);
  if (!Number.isInteger(replicas) || replicas < 1 || replicas > 100)
    return fault(`found ${choices.replicas} replicas, wanted 1 to 100`);
  const settings: InstallSettings = {
    ...base,
    ...cni,
    revision,
    hub,
    tag,
    imagePullPolicy,
    replicas,
    maxReplicas: Math.max(base.maxReplicas, replicas),
    // The gateway is of the revision that all have; a canary must not take it over.
    hasGateway: base.hasGateway && revision === "default",
    meshConfig: { ...base.meshConfig, ...meshConfig },
  };
  return { kind: "chosen", settings };
}

type CniSettings = Pick<InstallSettings, "cniRepair" | "cniBinDir" | "cniConfDir">;

function chooseCni(choices: SettingsChoices, base: CniSettings): CniSettings | SettingsFault {
  const { cniBinDir = base.cniBinDir, cniConfDir = base.cniConfDir } = choices;
  const cniRepair = cniRepairs.find((name) => name === (choices.cniRepair ?? base.cniRepair));
  if (cniRepair === undefined)
    return fault(`"${choices.cniRepair}" repairs no pod, wanted ${cniRepairs.join(", ")}`);
  for (const path of [cniBinDir, cniConfDir]) {
    if (!path.startsWith("/")) return fault(`"${path}" isn't a folder of a node, wanted an absolute path`);
  }
  return { cniRepair, cniBinDir, cniConfDir };
}

function fault(message: string): SettingsFault {
  return { kind: "fault", message };
}
