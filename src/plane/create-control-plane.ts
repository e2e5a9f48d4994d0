// The control plane without its sockets: one graph from objects to encoded resources, and the fleet that serves it.

import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import { type ObjectKey, parseObjectKey } from "../core/object-key.ts";
import type { Problem } from "../core/problem.ts";
import type { TlsCompliance } from "../core/tls-compliance.ts";
import { type DebugAccess, noDebugAccess } from "../fleet/debug-types.ts";
import { Fleet, type SecretAccount } from "../fleet/fleet.ts";
import { type Debounce, type ObjectChanges, ObjectIntake } from "../fleet/object-intake.ts";
import { MAX_CAUSES_LISTED, type PushCause, type PushEvents } from "../fleet/push-ledger.ts";
import { declareResourceTables } from "../fleet/resource-tables.ts";
import { Graph } from "../graph/graph.ts";
import type { SourceTable, Table } from "../graph/table.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";
import { declareModel, type Model } from "../model/model.ts";
import { declareProblemIndexes } from "../model/problems/problem-indexes.ts";
import { declareProblems } from "../model/problems/problems.ts";
import type { SecretRight } from "../model/secret-readers.ts";
import { declareSources, deleteObject, findObject, type Sources, writeObject } from "../model/sources.ts";
import { declareRecognitions, type ProxyStream } from "../view/recognition.ts";
import { declareViews, type Views } from "../view/views.ts";
import { type DebugPages, planeDebugPages } from "./plane-debug-pages.ts";
import { createSubmittedProblems, type SubmittedProblems } from "./submitted-policies.ts";
import { reportUndeclared } from "./undeclared-questions.ts";

export interface ControlPlaneOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly debounce?: { readonly endpoints: Debounce; readonly config: Debounce };
  /** Who may ask for debug types over TLS; whoever reaches plaintext xDS, which is loopback's, always may. */
  readonly debug?: Omit<DebugAccess, "page">;
  /** CPU time of the process in ms, from any start; where it is absent, no push costs any. */
  readonly cpuNowMs?: () => number;
  readonly pushEvents?: PushEvents;
  readonly tlsCompliance?: TlsCompliance;
  /**
   * Counts what clients were asked though their scopes don't say it, which is logged and answered from the facts of one
   * client. Absent: such a row fails.
   */
  readonly undeclaredQuestion?: () => void;
  /**
   * Somebody else says who may read Secrets, and writes it into `reviewedReaders` after a proxy has asked for one.
   * Absent: RBAC's objects say it.
   */
  readonly onSecretsWanted?: (account: SecretAccount) => void;
}

export interface ControlPlane {
  readonly graph: Graph;
  readonly sources: Sources;
  readonly model: Model;
  readonly views: Views;
  /** By object; without file and line. */
  readonly problems: Table<readonly Problem[]>;
  /** What a security policy would have, were it stored as it is. */
  readonly submittedProblems: SubmittedProblems;
  readonly fleet: Fleet;
  readonly intake: ObjectIntake;
  readonly find: (key: ObjectKey) => KubernetesObject | undefined;
  readonly debugPages: DebugPages;
  /** By `namespace/ServiceAccount`; counts where `onSecretsWanted` was given. */
  readonly reviewedReaders: SourceTable<SecretRight>;
}

// On one machine a person waits for the change that was just saved.
const LOCAL_DEBOUNCE = {
  endpoints: { afterMs: 10, atMostMs: 100 },
  config: { afterMs: 50, atMostMs: 250 },
};

export function createControlPlane({
  clock,
  log,
  debounce = LOCAL_DEBOUNCE,
  debug = noDebugAccess,
  cpuNowMs,
  pushEvents,
  tlsCompliance,
  undeclaredQuestion,
  onSecretsWanted,
}: ControlPlaneOptions): ControlPlane {
  const graph = new Graph();
  const sources = declareSources(graph);
  const streams = graph.source<ProxyStream>("xds streams");
  const reviewedReaders = graph.source<SecretRight>("reviewed readers of Secrets");
  const isReviewed = onSecretsWanted !== undefined;
  const model = declareModel(graph, sources, {
    ...(isReviewed && { reviewedReaders }),
    ...(tlsCompliance && { tlsCompliance }),
  });
  const indexes = declareProblemIndexes(graph, sources, model);
  const problems = declareProblems(graph, sources, model, indexes);
  const recognitions = declareRecognitions(graph, model, streams);
  const onUndeclared = undeclaredQuestion && reportUndeclared(log, undeclaredQuestion);
  const views = declareViews(graph, model, recognitions.proxies, { onUndeclared });
  const tables = declareResourceTables(graph, views);
  const find = (key: ObjectKey) => findObject(sources, parseObjectKey(key));
  // Nobody asks before the fleet is there.
  const page = async (path: string) => (await debugPages(path)).text;
  const fleet = new Fleet({
    graph,
    views,
    streams,
    recognitions,
    tables,
    clock,
    log,
    debug: { ...debug, page },
    ...(cpuNowMs && { cpuNowMs }),
    ...(pushEvents && { pushEvents }),
    ...(isReviewed && { onSecretsWanted }),
  });
  const debugPages = planeDebugPages({ fleet, model, sources });
  const written = new Set<ObjectKey>();
  const intake = new ObjectIntake({
    clock,
    debounce,
    commit: (write, changes) => {
      const cause = causeOf(changes);
      fleet.commit(write, cause);
      fleet.offerAgain(written, cause);
      written.clear();
    },
    objects: {
      write: (transaction, key, object) => {
        if (!isStatusChange(find(key), object)) written.add(key);
        writeObject(transaction, sources, object);
      },
      remove: (transaction, key) => deleteObject(transaction, sources, parseObjectKey(key)),
    },
  });
  const submittedProblems = createSubmittedProblems({ sources, model, indexes, clock, log });
  return {
    ...{ graph, sources, model, problems, submittedProblems, views },
    ...{ fleet, intake, find, debugPages, reviewedReaders },
  };
}

function causeOf({ trigger, sinceMs, objects }: ObjectChanges): PushCause {
  const listed = [...objects].slice(0, MAX_CAUSES_LISTED).map(([object, written]) => {
    const revision = written?.metadata.resourceVersion;
    return { object, ...(revision !== undefined && { revision }) };
  });
  return { trigger, sinceMs, objects: listed, objectCount: objects.size };
}

/** What we write into an object's status comes back as a change of it, and is no reason to offer it again. */
function isStatusChange(before: KubernetesObject | undefined, after: KubernetesObject): boolean {
  if (before === undefined) return false;
  const meaningOf = ({ spec, metadata: { uid, generation, labels, annotations } }: KubernetesObject) => [
    ...[spec, uid, generation, labels, annotations],
  ];
  if (!isDeepStrictEqual(meaningOf(before), meaningOf(after))) return false;
  // From a file, an equal object is one that was written again.
  return after.metadata.generation !== undefined || !isDeepStrictEqual(before.status, after.status);
}
