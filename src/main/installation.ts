// Wires installing into the command line.

import { CommandFailure, exitCodes } from "../cli/exit-code.ts";
import type { ClusterChoices, InstallChoices, InstallRoom, Progress } from "../cli/install-room.ts";
import { applyInstallation } from "../install/apply-installation.ts";
import { chooseSettings } from "../install/choose-settings.ts";
import type { ClusterAccess } from "../install/cluster-access.ts";
import { installedRevisions } from "../install/cluster-access.ts";
import { deploymentResource } from "../install/install-resources.ts";
import type { InstallSettings } from "../install/install-settings.ts";
import { installationObjects } from "../install/installation-objects.ts";
import { moveNamespace } from "../install/move-namespace.ts";
import { precheck } from "../install/precheck.ts";
import { removeInstallation } from "../install/remove-installation.ts";
import { removeRevisionTag, revisionTags, setRevisionTag } from "../install/revision-tags.ts";
import type { MeshConfigSpec } from "../kinds/mesh-config/mesh-config.ts";
import type { ClusterSurroundings } from "./cluster-connection.ts";
import { connectToCluster, waitingClock } from "./cluster-connection.ts";

export interface InstallationWiring extends ClusterSurroundings {
  readMeshConfig(file: string | undefined): Promise<MeshConfigSpec>;
}

export function createInstallRoom(wiring: InstallationWiring): InstallRoom {
  return {
    manifest: async (choices) => installationObjects(await settingsOf(choices, wiring)),
    async install(choices, { isUpgrade, timeoutMs, ...progress }) {
      const settings = await settingsOf(choices, wiring);
      return onCluster(choices, { wiring, progress }, async (access) => {
        if (isUpgrade) await requireInstalled(access, settings.revision);
        return applyInstallation(access, settings, { timeoutMs });
      });
    },
    uninstall: ({ revision, ...choices }, { isPurge, timeoutMs, ...progress }) =>
      onCluster(choices, { wiring, progress }, async (access) => {
        if (!isPurge) await requireUntagged(access, revision);
        return removeInstallation(access, { revision, isPurge, timeoutMs });
      }),
    tags: (choices, progress) => onCluster(choices, { wiring, progress }, revisionTags),
    async setTag({ revision, tag, ...choices }, { isOverwrite, timeoutMs, ...progress }) {
      const settings = await settingsOf({ revision }, wiring);
      const verdict = await onCluster(choices, { wiring, progress }, (access) =>
        setRevisionTag(access, settings, { tag, isOverwrite, timeoutMs }),
      );
      if (verdict.kind === "fault")
        throw new CommandFailure(exitCodes.no, `Cannot set tag "${tag}": ${verdict.message}`, verdict.hint);
    },
    async removeTag({ tag, ...choices }, progress) {
      const settings = await settingsOf({}, wiring);
      return onCluster(choices, { wiring, progress }, (access) => removeRevisionTag(access, settings, tag));
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
      return onCluster(choices, { wiring, progress }, (access) => precheck(access, settings));
    },
  };
}

async function settingsOf(choices: InstallChoices, wiring: InstallationWiring): Promise<InstallSettings> {
  const meshConfig = await wiring.readMeshConfig(choices.meshConfigFile);
  const chosen = chooseSettings({ ...choices, meshConfig }, wiring.version);
  if (chosen.kind === "chosen") return chosen.settings;
  throw new CommandFailure(exitCodes.usage, `Cannot install so: ${chosen.message}`);
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
  throw new CommandFailure(exitCodes.no, message, "meltemi tag set NAME --revision OTHER --overwrite");
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
