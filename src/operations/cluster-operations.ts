// Wires meshes in clusters into the command line.

import type { Mesh } from "../admin/contract/mesh.ts";
import type { ClusterOperations } from "../cli/cluster-operations.ts";
import { createClusterMesh } from "../cluster/cluster-mesh.ts";
import { takeTerminal } from "../cluster/take-terminal.ts";
import { DEFAULT_NAMESPACE } from "../install/install-settings.ts";
import { REVISION_LABEL } from "../install/object-names.ts";
import type { ClusterConnection, CommandEnvironment } from "./cluster-connection.ts";
import { connectToCluster, waitingClock } from "./cluster-connection.ts";

export function createClusterOperations(
  environment: CommandEnvironment,
): Pick<ClusterOperations, "openMesh"> {
  return {
    async openMesh(choices, signal) {
      const connection = await connectToCluster(choices, environment);
      const mesh = createClusterMesh({
        client: connection.client,
        clock: waitingClock,
        signal,
        controlPlanes: {
          usualNamespace: DEFAULT_NAMESPACE,
          labelSelector: "app.kubernetes.io/name=meltemi",
          revisionLabel: REVISION_LABEL,
        },
        takeTerminal: (choices) => takeTerminal(process, choices),
      });
      return withSentences(mesh, connection, signal);
    },
  };
}

/** The same mesh, which throws what a user is shown; who stopped the command himself is shown nothing. */
function withSentences(mesh: Mesh, connection: ClusterConnection, signal: AbortSignal): Mesh {
  const failureOf = (error: unknown) => (signal.aborted ? error : connection.failureOf(error));
  const say = async <T>(answer: Promise<T>): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      throw failureOf(error);
    }
  };
  return {
    ...mesh,
    objects: (kind, namespace) => say(mesh.objects(kind, namespace)),
    pods: (namespace) => say(mesh.pods(namespace)),
    exec: (pod, request) => say(mesh.exec(pod, request)),
    envoy: (pod, path) => say(mesh.envoy(pod, path)),
    proxies: () => say(mesh.proxies()),
    uninjected: () => say(mesh.uninjected()),
    pushes: (limit) => say(mesh.pushes(limit)),
    programmed: (stored) => say(mesh.programmed(stored)),
    controlPlanes: () => say(mesh.controlPlanes()),
    async *logs(pod, query) {
      try {
        yield* mesh.logs(pod, query);
      } catch (error) {
        throw failureOf(error);
      }
    },
  };
}
