// Wires installing into the command line.

import { CommandFailure, exitCodes } from "../cli/exit-code.ts";
import type {
  ClusterChoices,
  InstallChoices,
  InstallOperations,
  Progress,
} from "../cli/install-operations.ts";
import { applyInstallation } from "../install/apply-installation.ts";
import { chooseSettings } from "../install/choose-settings.ts";
import type { ClusterAccess } from "../install/cluster-access.ts";
import { installedRevisions } from "../install/cluster-access.ts";
import { namespaceOfControlPlane } from "../install/control-plane-namespace.ts";
import { controlPlaneValues } from "../install/control-plane-values.ts";
import { installerGatewayValues } from "../install/gateway-values.ts";
import { deploymentResource } from "../install/install-resources.ts";
import type { InstallSettings } from "../install/install-settings.ts";
import { installationObjects } from "../install/installation-objects.ts";
import { moveNamespace } from "../install/move-namespace.ts";
import { precheck } from "../install/precheck.ts";
import { planRemoval } from "../install/removal-plan.ts";
import { removeInstallation } from "../install/remove-installation.ts";
import { removeRevisionTag, revisionTags, setRevisionTag } from "../install/revision-tags.ts";
import type { MeshConfigSpec } from "../kinds/mesh-config/mesh-config-spec.ts";
import type { CommandEnvironment } from "./cluster-connection.ts";
import { connectToCluster, waitingClock } from "./cluster-connection.ts";
import { readValuesFile } from "./values-file.ts";

export interface InstallationWiring extends CommandEnvironment {
  readMeshConfig(file: string | undefined): Promise<MeshConfigSpec>;
}

export function createInstallOperations(wiring: InstallationWiring): InstallOperations {
  return {
    manifest: async (choices) => installationObjects(await settingsOf(choices, wiring)),
    async install(choices, { isUpgrade, timeoutMs, ...progress }) {
      const settings = await settingsOf(choices, wiring);
      return onCluster(choices, { wiring, progress }, async (access) => {
        if (isUpgrade) await requireInstalled(access, settings.revision);
        return applyInstallation(access, await inItsNamespace(access, settings, choices), { timeoutMs });
      });
    },
    async planRemoval({ revision, ...choices }, { isPurge, ...progress }) {
      const settings = await settingsOf({ revision }, wiring);
      return onCluster(choices, { wiring, progress }, async (access) => {
        await requireUntagged(access, revision);
        return planRemoval(access, settings, { isPurge });
      });
    },
    uninstall: ({ revision, ...choices }, { isPurge, timeoutMs, ...progress }) =>
      onCluster(choices, { wiring, progress }, async (access) => {
        await requireUntagged(access, revision);
        return removeInstallation(access, { revision, isPurge, timeoutMs });
      }),
    tags: (choices, progress) => onCluster(choices, { wiring, progress }, revisionTags),
    async setTag({ revision, tag, ...choices }, { isOverwrite, timeoutMs, ...progress }) {
      const settings = await settingsOf({ revision }, wiring);
      const verdict = await onCluster(choices, { wiring, progress }, async (access) =>
        setRevisionTag(access, await inItsNamespace(access, settings), { tag, isOverwrite, timeoutMs }),
      );
      if (verdict.kind === "fault")
        throw new CommandFailure(exitCodes.no, `Cannot set tag "${tag}": ${verdict.message}`, verdict.hint);
    },
    async removeTag({ tag, ...choices }, { isForced, ...progress }) {
      const settings = await settingsOf({}, wiring);
      const verdict = await onCluster(choices, { wiring, progress }, async (access) =>
        removeRevisionTag(access, await inItsNamespace(access, settings), { tag, isForced }),
      );
      if (verdict.kind === "fault")
        throw new CommandFailure(
          exitCodes.no,
          `Cannot remove tag "${tag}": ${verdict.message}`,
          verdict.hint,
        );
    },
    async moveNamespace({ namespace, to, ...choices }, { timeoutMs, ...progress }) {
      const verdict = await onCluster(choices, { wiring, progress }, (access) =>
        moveNamespace(access, { namespace, timeoutMs, ...(to === undefined ? {} : { to }) }),
      );
      if (verdict.kind === "moved") return verdict;
      const message = `Cannot move namespace "${namespace}": ${verdict.message}`;
      throw new CommandFailure(exitCodes.no, message, verdict.hint);
    },
    async precheck(choices, progress) {
      const settings = await settingsOf(choices, wiring);
      return onCluster(choices, { wiring, progress }, async (access) =>
        precheck(access, await inItsNamespace(access, settings, choices)),
      );
    },
  };
}

async function settingsOf(choices: InstallChoices, wiring: InstallationWiring): Promise<InstallSettings> {
  const meshConfig = await wiring.readMeshConfig(choices.meshConfigFile);
  const { gatewayValuesFile, valuesFile } = choices;
  const values = valuesFile && { values: await readValuesFile(valuesFile, controlPlaneValues) };
  const gatewayValues = gatewayValuesFile && {
    gatewayValues: await readValuesFile(gatewayValuesFile, installerGatewayValues),
  };
  const chosen = chooseSettings({ ...choices, meshConfig, ...values, ...gatewayValues }, wiring.version);
  if (chosen.kind === "chosen") return chosen.settings;
  throw new CommandFailure(exitCodes.usage, `Cannot install so: ${chosen.message}`);
}

/** A revision is in one namespace: that of its control plane, wherever it was installed. */
async function inItsNamespace(
  access: ClusterAccess,
  settings: InstallSettings,
  { namespace: chosen }: Pick<InstallChoices, "namespace"> = {},
): Promise<InstallSettings> {
  const { revision } = settings;
  const namespace = await namespaceOfControlPlane(access, settings);
  if (namespace === undefined || namespace === settings.namespace) return settings;
  if (chosen === undefined) return { ...settings, namespace };
  const message = `Cannot install revision "${revision}" in namespace "${chosen}": it is installed in "${namespace}"`;
  throw new CommandFailure(exitCodes.no, message, "leave --namespace out, or choose another --revision");
}

async function requireInstalled(access: ClusterAccess, revision: string): Promise<void> {
  const revisions = await installedRevisions(access, deploymentResource);
  if (revisions.includes(revision)) return;
  const known = revisions.length === 0 ? "none is" : `installed: ${revisions.join(", ")}`;
  const message = `Cannot upgrade revision "${revision}": it isn't installed (${known})`;
  throw new CommandFailure(exitCodes.no, message, "meltemi install");
}

/** Its pods could no longer be made: the tag's webhook would ask nobody. */
async function requireUntagged(access: ClusterAccess, revision: string): Promise<void> {
  const pointing = (await revisionTags(access)).filter((each) => each.revision === revision);
  if (pointing.length === 0) return;
  const names = pointing.map(({ tag }) => tag).join(", ");
  const message = `Cannot uninstall revision "${revision}": tag ${names} points to it`;
  const hint = "meltemi tag set NAME --revision OTHER --overwrite, or meltemi tag remove NAME";
  throw new CommandFailure(exitCodes.no, message, hint);
}

interface ClusterUse {
  readonly wiring: InstallationWiring;
  readonly progress: Progress;
}

async function onCluster<T>(
  choices: ClusterChoices,
  { progress, wiring }: ClusterUse,
  work: (access: ClusterAccess) => Promise<T>,
): Promise<T> {
  const { client, failureOf } = await connectToCluster(choices, wiring);
  try {
    return await work({ client, clock: waitingClock, ...progress });
  } catch (error) {
    throw failureOf(error);
  } finally {
    client.close();
  }
}
