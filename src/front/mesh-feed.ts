// The user's files on their way into the mesh: manifests, images.yaml and the MeshConfig of --mesh-config,
// followed as they change.

import { join } from "node:path";
import { CommandFailure, exitCodes } from "../cli/exit-code.ts";
import type { MeshEvent, MeshLaunch } from "../cli/local-mesh.ts";
import { systemClock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import { formatProblem } from "../core/problem.ts";
import type { FrontMessage } from "../local/supervisor/front-protocol.ts";
import { lastGoodDirectory } from "../sources/files/last-good.ts";
import { loadMeshConfig } from "../sources/files/load-mesh-config.ts";
import type { LoadedObject } from "../sources/files/loaded-objects.ts";
import { watchFiles } from "../sources/files/watch-files.ts";
import type { ProblemLedger } from "./problem-ledger.ts";
import { watchImages } from "./watch-images.ts";

export interface MeshFeed {
  close(): Promise<void>;
}

interface FeedOptions {
  readonly send: (message: FrontMessage) => void;
  readonly ledger: ProblemLedger;
}

/** Resolves when the first state of all files has been sent. */
export async function feedManifests(launch: MeshLaunch, { send, ledger }: FeedOptions): Promise<MeshFeed> {
  const meshConfig = await readMeshConfig(launch, ledger);
  // With the first state of the files, or a mesh of no pods would be ready for a moment.
  let first = meshConfig === undefined ? [] : [meshConfig];
  // A MeshConfig that the user named counts, whatever the manifests say of it.
  const isOurs = (key: string) => meshConfig === undefined || key !== meshConfig.key;
  const images = await watchImages(launch.manifests, (files) => send({ kind: "images", files }));
  const files = await watchFiles({
    paths: launch.manifests,
    clock: systemClock,
    log: noticeLogger(launch.onEvent),
    lastGood: lastGoodDirectory(join(launch.stateDirectory, "last-good")),
    onChange: ({ upserts, moves, deletes, problems }) => {
      ledger.update("files", problems);
      send({
        kind: "objects",
        upserts: [...first, ...upserts.filter(({ key }) => isOurs(key))],
        moves: moves.filter(({ key }) => isOurs(key)),
        deletes: deletes.filter(isOurs),
      });
      first = [];
    },
  });
  return {
    async close() {
      await Promise.all([files.close(), images.close()]);
    },
  };
}

async function readMeshConfig(
  { meshConfigFile }: MeshLaunch,
  ledger: ProblemLedger,
): Promise<LoadedObject | undefined> {
  if (meshConfigFile === undefined) return undefined;
  const { meshConfig, problems } = await loadMeshConfig(meshConfigFile);
  const error = problems.find(({ severity }) => severity === "error");
  // It is read once: a mesh that started without it would stay without it.
  if (error !== undefined) throw new CommandFailure(exitCodes.usage, formatProblem(error));
  ledger.update("mesh config", problems);
  return meshConfig;
}

/** What goes wrong with watching is the user's to know; the rest isn't. */
function noticeLogger(onEvent: (event: MeshEvent) => void): Logger {
  const drop = () => undefined;
  const notice = (fields: object, event: string) =>
    onEvent({ kind: "notice", text: `${event}: ${JSON.stringify(fields)}` });
  return { debug: drop, info: drop, warn: notice, error: notice };
}
