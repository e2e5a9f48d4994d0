// From what a user chose on the command line to settings, or to what is wrong with the choice.

import type { MeshConfigSpec } from "../kinds/mesh-config/mesh-config-spec.ts";
import { isDnsLabel } from "../kinds/object-name.ts";
import { mergeValues } from "./chart-values.ts";
import { type ControlPlaneValues, valuesOfSettings, withValues } from "./control-plane-values.ts";
import { ownVariables } from "./control-plane-workload.ts";
import { imagePullPolicies } from "./gateway-settings.ts";
import { type GatewayValues, valuesOfGateway } from "./gateway-values.ts";
import type { InstallSettings } from "./install-settings.ts";
import { cniRepairs, profileNames, profileSettings } from "./install-settings.ts";

/** Absent ones are the profile's. What is chosen by a name of its own goes before the values. */
export interface SettingsChoices {
  readonly profile?: string;
  /** As the control plane's chart has them. */
  readonly values?: Partial<ControlPlaneValues>;
  /** As a gateway's chart has them. */
  readonly gatewayValues?: Partial<GatewayValues>;
  readonly namespace?: string;
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
  const ofProfile = profileSettings(profile, version);
  const base = withValues(ofProfile, valuesFor(ofProfile, choices.values));
  const { hub = base.hub, meshConfig = {}, revision = base.revision, tag = base.tag } = choices;
  if (!isDnsLabel(revision) || revision.length > 40)
    return fault(`"${revision}" isn't a revision, wanted at most 40 lower-case letters, digits and hyphens`);
  const { namespace = base.namespace } = choices;
  if (!isDnsLabel(namespace))
    return fault(
      `"${namespace}" isn't a namespace's name, wanted lower-case letters, digits and inner hyphens`,
    );
  const imagePullPolicy = imagePullPolicies.find(
    (name) => name === (choices.imagePullPolicy ?? base.imagePullPolicy),
  );
  if (imagePullPolicy === undefined)
    return fault(`"${choices.imagePullPolicy}" isn't a pull policy, wanted ${imagePullPolicies.join(", ")}`);
  const own = base.env.find(({ name }) => ownVariables.includes(name));
  if (own !== undefined) return fault(`the variable "${own.name}" is the installation's own`);
  const cni = chooseCni(choices, base);
  if ("kind" in cni) return cni;
  const replicas = choices.replicas === undefined ? base.replicas : Number(choices.replicas);
  if (!Number.isInteger(replicas) || replicas < 1 || replicas > 100)
    return fault(`found ${choices.replicas} replicas, wanted 1 to 100`);
  // The gateway is of the revision that all have; a canary must not take it over.
  const hasGateway = base.hasGateway && revision === "default";
  if (!hasGateway && choices.gatewayValues !== undefined)
    return fault(
      `there is no gateway in ${base.hasGateway ? `revision "${revision}"` : `profile "${profile}"`}`,
    );
  const settings: InstallSettings = {
    ...base,
    ...cni,
    ...{ namespace, revision, hub, tag, imagePullPolicy, replicas, hasGateway },
    maxReplicas: Math.max(base.maxReplicas, replicas),
    gateway: gatewayOf({ ...base, imagePullPolicy, replicas }, choices.gatewayValues),
    meshConfig: { ...base.meshConfig, ...meshConfig },
  };
  return { kind: "chosen", settings };
}

/** An empty tag is the version's own, as in the chart. */
function valuesFor(settings: InstallSettings, given: Partial<ControlPlaneValues> = {}): ControlPlaneValues {
  const values = mergeValues(valuesOfSettings(settings), given);
  return { ...values, tag: values.tag === "" ? settings.tag : values.tag };
}

/** What isn't said of the gateway is as with the control plane. */
function gatewayOf(
  { gateway, imagePullPolicy, replicas }: InstallSettings,
  given: Partial<GatewayValues> = {},
): InstallSettings["gateway"] {
  const values = mergeValues(valuesOfGateway({ ...gateway, imagePullPolicy, replicas }), given);
  return { ...gateway, ...values, name: values.name === "" ? gateway.name : values.name };
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
