// How far an object has reached the proxies of all replicas, whichever of them is asked, which of several control planes
// tells it in the object's status, and what proxies of other revisions were given.

import { randomUUID } from "node:crypto";
import { combineReports, replicaReport } from "../../admin/combined-report.ts";
import type { ProgrammedReport } from "../../admin/contract/control-plane.ts";
import { systemClock } from "../../core/clock.ts";
import type { ObjectKey } from "../../core/object-key.ts";
import { type DumpSection, dumpSections } from "../../fleet/debug-types.ts";
import type { GrpcMethod } from "../../grpc/method.ts";
import { ReplicaClients, replicaMethods } from "../../replicas/replica-channel.ts";
import { isFirstRevision, type ReplicaAddress, replicaAddresses } from "../../replicas/replica-directory.ts";
import type { ControlPlaneIdentity } from "../../serving/control-plane-identity.ts";
import type { ClusterSettings } from "../control-plane-settings.ts";
import type { ControlPlane } from "../create-control-plane.ts";
import { planeAnswers } from "../plane-answers.ts";

export interface FleetReports {
  /** Of this replica's proxies and those of the others; rejects where one that is ready doesn't answer. */
  programmed(object: ObjectKey): Promise<ProgrammedReport>;
  /**
   * Stays the same as long as what is said of an object that all proxies have stays true, whichever replica they are at;
   * rejects as `programmed` does.
   */
  news(): Promise<string>;
  /** Of several revisions that have an object in force, one writes its status. */
  writesStatusOf(object: ObjectKey): boolean;
  /**
   * What a proxy of another revision was given; undefined where none has it. Tools that ask every replica of one revision
   * find the proxies of that by themselves.
   */
  configDump(proxyId: string): Promise<readonly DumpSection[] | undefined>;
  /** By which the others ask this replica. */
  readonly methods: readonly GrpcMethod[];
}

export interface FleetReportsOptions {
  readonly settings: Pick<ClusterSettings, "namespace" | "podName" | "revision">;
  readonly plane: ControlPlane;
  readonly identity: ControlPlaneIdentity;
  readonly trustDomain: string;
}

const REVISION_LABEL = "istio.io/rev";

export function createFleetReports(options: FleetReportsOptions): FleetReports {
  const { identity, plane, settings, trustDomain } = options;
  const { namespace, podName, revision } = settings;
  const { programmed } = planeAnswers(plane);
  const incarnation = randomUUID();
  let findingCount = 0;
  const countFinding = () => {
    findingCount += 1;
  };
  plane.problems.watch(countFinding);
  plane.graph.watchFailures(countFinding);
  const ownNews = () => `${incarnation} ${plane.fleet.newsCount} ${findingCount}`;
  const clients = new ReplicaClients({
    clock: systemClock,
    identity,
    serverName: `meltemi.${namespace}.svc`,
  });
  const others = (): readonly ReplicaAddress[] => {
    const slices = [...plane.sources.EndpointSlice.entries()].map(([, slice]) => slice);
    return replicaAddresses(slices, namespace).filter(({ name }) => name !== podName);
  };
  /** An object with the label is one revision's alone. */
  const isOfOneRevision = (object: ObjectKey) =>
    (plane.find(object)?.metadata.labels?.[REVISION_LABEL] ?? "") !== "";
  return {
    async programmed(object) {
      const replicas = others();
      clients.keepOnly(replicas);
      const asked = isOfOneRevision(object)
        ? replicas.filter((replica) => replica.revision === revision)
        : replicas;
      const reports = await clients.programmed(object, asked);
      return combineReports(programmed(object), reports);
    },
    async news() {
      const replicas = others();
      clients.keepOnly(replicas);
      return JSON.stringify([ownNews(), ...(await clients.news(replicas))]);
    },
    writesStatusOf: (object) => isOfOneRevision(object) || isFirstRevision(revision, others()),
    configDump(proxyId) {
      const replicas = others();
      clients.keepOnly(replicas);
      return clients.configDump(
        proxyId,
        replicas.filter((replica) => replica.revision !== revision),
      );
    },
    methods: replicaMethods(
      {
        report: (object) => replicaReport(programmed(object)),
        news: ownNews,
        configDump: (proxyId) => dumpSections(proxyId, plane.fleet),
      },
      { namespace, trustDomain },
    ),
  };
}
