// The connected proxies: which set each of them gets, what each has acknowledged, and the one door through which
// the graph is written, so that every change reaches those whom it concerns.

import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import type { ObjectKey } from "../core/object-key.ts";
import type { StreamIdentity } from "../core/stream-identity.ts";
import { ClusterLoadAssignmentSchema } from "../gen/envoy/config/endpoint/v3/endpoint_pb.ts";
import { RouteConfigurationSchema } from "../gen/envoy/config/route/v3/route_pb.ts";
import type { Commit, Graph, Transaction } from "../graph/graph.ts";
import type { SourceTable, Table } from "../graph/table.ts";
import { type ConnectedProxy, MESH_SCOPE } from "../view/client-scope.ts";
import type { Views } from "../view/views.ts";
import type {
  GenericRequest,
  RefusedResponse,
  XdsOpening,
  XdsSession,
  XdsStreamHandle,
} from "../xds/backend.ts";
import type { Resource, ResourceReference } from "../xds/resource.ts";
import type { ResourceType } from "../xds/resource-type.ts";
import { buildResource } from "./built-resource.ts";
import { type DebugAccess, debugAnswer } from "./debug-types.ts";
import { LayeredRows } from "./layered-rows.ts";
import { mergeRefusals, type Refusal } from "./merged-refusals.ts";
import { type Programmed, programmedOf } from "./programmed.ts";
import {
  type IdentifiedBackend,
  type IdentifiedClient,
  identifyProxy,
  type ProxyOrigin,
} from "./proxy-identity.ts";
import { type ProxySet, type ProxyView, viewKey } from "./proxy-set.ts";
import type { ResourceTables } from "./resource-tables.ts";
import { SessionLedger } from "./session-ledger.ts";
import { type SessionRefusal, SessionRefusals } from "./session-refusals.ts";
import { SharedViews } from "./shared-views.ts";
import { StandInTables } from "./stand-in-tables.ts";

export interface FleetOptions {
  readonly graph: Graph;
  readonly views: Views;
  /** The source table that `views` reads its proxies from. */
  readonly proxies: SourceTable<ConnectedProxy>;
  readonly tables: ResourceTables;
  readonly clock: Clock;
  readonly log: Logger;
  readonly debug: DebugAccess;
}

/** A stream of one proxy. */
export interface FleetSession {
  readonly nodeId: string;
  readonly identity: StreamIdentity;
  readonly proxy: ConnectedProxy;
  readonly origin: ProxyOrigin;
  readonly envoyVersion: string;
  readonly view: string;
  readonly ledger: SessionLedger;
  readonly refusals: SessionRefusals;
  readonly connectedAtMs: number;
  readonly stream: Pick<XdsStreamHandle, "standing">;
}

interface OpenSession extends FleetSession {
  /** Of a pod's agent, beside that of its Envoy. */
  readonly isAgent: boolean;
  readonly stream: XdsStreamHandle;
  view: string;
}

export class Fleet implements IdentifiedBackend {
  readonly #options: FleetOptions;
  readonly #sessionsByNode = new Map<string, Set<OpenSession>>();
  readonly #rows: LayeredRows;
  readonly #views: SharedViews<OpenSession>;
  readonly #standInTables = new StandInTables();
  readonly #refusalListeners = new Set<() => void>();
  #toldRefusals: readonly string[] = [];
  #eventCount = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#rows = new LayeredRows(options.tables);
    this.#views = new SharedViews(this.#rows);
  }

  /** Writes to the graph and publishes what follows from it. */
  commit(write: (transaction: Transaction) => void): Commit {
    const commit = this.#options.graph.commit(write);
    for (const { table, key, error } of commit.errors)
      this.#options.log.error({ table, key, error }, "row failed");
    this.#publish(commit);
    this.#tellRefusals();
    return commit;
  }

  /** Grows with each commit, each proxy that comes or goes, and each answer of one: as long as it stays, nothing has changed. */
  get eventCount(): number {
    return this.#eventCount;
  }

  /** Those of Envoys, and of others that behave as such. */
  sessions(): Iterable<FleetSession> {
    return [...this.#sessionsByNode.values()].flatMap((sessions) => [...sessions].filter(isProxy));
  }

  /** Calls when what is refused has changed, by an Envoy's answer or by an edit; returns what ends it. */
  watchRefusals(listener: () => void): () => void {
    this.#refusalListeners.add(listener);
    return () => this.#refusalListeners.delete(listener);
  }

  /** What connected proxies refuse, each thing once, whoever refuses it. */
  refusals(): readonly Refusal[] {
    return mergeRefusals(
      this.#refusingSessions().flatMap((session) =>
        this.refusalsOf(session).map((refusal) => ({ refusal, session })),
      ),
    );
  }

  /** What this proxy refuses of what it is to have. */
  refusalsOf({ view, refusals }: FleetSession): readonly SessionRefusal[] {
    const set = refusals.isEmpty ? undefined : this.#views.setOf(view);
    return set === undefined ? [] : refusals.list(set);
  }

  /** What was made of these objects is offered once more to those who refuse it: they were written again. */
  offerAgain(objects: ReadonlySet<ObjectKey>): void {
    for (const session of this.#refusingSessions()) {
      const references = session.refusals.offerAgain(objects);
      if (references.length === 0) continue;
      this.#give(session, references);
      session.stream.offerAgain(references);
    }
  }

  /**
   * Who has what was made of an object: a proxy is concerned if it asked for any of it. An object of which nothing is
   * made, such as one that no proxy's config depends on, concerns none.
   */
  programmed(object: ObjectKey): Programmed {
    // The stream before a reconnect may not have ended yet.
    const newest = [...this.#sessionsByNode.values()].flatMap((sessions) =>
      [...sessions].filter(isProxy).slice(-1),
    );
    return programmedOf({ object, made: this.#rows.madeOf(object) }, newest, this.#views);
  }

  /** What a proxy asked for and gets of a type: what it has, or is about to have. */
  resourcesOf({ view, refusals, stream }: FleetSession, type: ResourceType): readonly Resource[] {
    const ofView = this.#views.setOf(view);
    const set = ofView === undefined ? undefined : refusals.setFor(ofView);
    return [...(set?.names(type) ?? [])].flatMap((name) => {
      const resource = stream.standing({ type, name }) === "unwanted" ? undefined : set?.get(type, name);
      return resource === undefined ? [] : [resource];
    });
  }

  open(client: IdentifiedClient, stream: XdsStreamHandle): XdsOpening {
    const identified = identifyProxy(client);
    if (identified.kind === "invalid") return refused("INVALID_ARGUMENT", identified.message);
    if (identified.kind === "denied") return refused("PERMISSION_DENIED", identified.message);
    const { nodeId, node, identity } = client;
    this.commit((transaction) => transaction.set(this.#options.proxies, nodeId, identified.proxy));
    const { proxy, origin } = identified;
    const connectedAtMs = this.#options.clock.now();
    const facts = { nodeId, identity, proxy, origin, envoyVersion: node.userAgentVersion, connectedAtMs };
    const view = this.#viewOf(facts);
    const isAgent = node.userAgentName === AGENT_NAME;
    const session: OpenSession = {
      ...facts,
      isAgent,
      stream,
      view: viewKey(view),
      ledger: new SessionLedger(),
      refusals: new SessionRefusals(this.#standInTables),
    };
    const set = this.#views.join(view, session);
    const { debug } = this.#options;
    const mayDebug = identity.proof === "none" || debug.namespaces.includes(identity.namespace);
    const sessions = this.#sessionsByNode.get(nodeId) ?? new Set<OpenSession>();
    this.#sessionsByNode.set(nodeId, sessions.add(session));
    this.#eventCount += 1;
    const generic = (request: GenericRequest) => debugAnswer(request, this, debug);
    const answers = { ...this.#sessionOf(session, set), ...(mayDebug ? { generic } : {}) };
    return { kind: "accepted", session: answers };
  }

  #sessionOf(session: OpenSession, initialSet: ProxySet): XdsSession {
    const { ledger, refusals } = session;
    return {
      initialSet: () => initialSet,
      emptyResource,
      sent: (type, nonce) => ledger.sent(type, nonce),
      acknowledged: (type, nonce, resources) => {
        this.#eventCount += 1;
        ledger.acknowledged(type, nonce);
        if (refusals.isEmpty) return;
        this.#give(session, refusals.acknowledged(type, resources));
        this.#tellRefusals();
      },
      rejected: (type, refusal) => {
        this.#eventCount += 1;
        ledger.rejected(type, refusal.detail);
        this.#rejected(session, type, refusal);
      },
      closed: () => this.#closed(session),
    };
  }

  #closed(session: OpenSession): void {
    this.#eventCount += 1;
    const { nodeId } = session;
    this.#views.leave(session.view, session);
    const sessions = this.#sessionsByNode.get(nodeId);
    sessions?.delete(session);
    if (!session.refusals.isEmpty) this.#tellRefusals();
    if (sessions?.size !== 0) return;
    this.#sessionsByNode.delete(nodeId);
    this.commit((transaction) => transaction.delete(this.#options.proxies, nodeId));
  }

  #viewOf({
    nodeId,
    proxy,
    envoyVersion,
  }: Pick<OpenSession, "nodeId" | "proxy" | "envoyVersion">): ProxyView {
    const { views } = this.#options;
    const ofProxy: Table<{ readonly id: string }> =
      proxy.kind === "router" ? views.gatewayOfProxy : views.inboundOfProxy;
    const places = views.places.ofProxy.get(nodeId);
    const scope = views.scopes.ofProxy.get(nodeId) ?? MESH_SCOPE;
    return {
      kind: proxy.kind,
      places: [places?.node.id ?? "", places?.wide.id ?? ""],
      scope: scope.id,
      families: scope.families,
      workloadView: ofProxy.get(nodeId)?.id ?? "",
      envoyVersion,
    };
  }

  #publish(commit: Commit): void {
    this.#eventCount += 1;
    const former = this.#rows.take(commit);
    if (this.#sessionsByNode.size === 0) return;
    const concerned = this.#views.change(former);
    // Whoever moves to another view compares the whole of both; all others look at what changed.
    const moved = new Set(this.#sessionsWithOtherView(commit));
    for (const session of moved) this.#move(session);
    for (const { sessions, references } of concerned) {
      for (const session of sessions) if (!moved.has(session)) this.#give(session, references);
    }
  }

  *#sessionsWithOtherView({ changed }: Commit): Iterable<OpenSession> {
    const { scopes, places, inboundOfProxy, gatewayOfProxy } = this.#options.views;
    for (const table of [scopes.ofProxy, places.ofProxy, inboundOfProxy, gatewayOfProxy]) {
      for (const nodeId of changed.get(table) ?? []) {
        for (const session of this.#sessionsByNode.get(nodeId) ?? []) {
          if (viewKey(this.#viewOf(session)) !== session.view) yield session;
        }
      }
    }
  }

  #move(session: OpenSession): void {
    const view = this.#viewOf(session);
    this.#views.leave(session.view, session);
    session.view = viewKey(view);
    session.stream.publish(session.refusals.setFor(this.#views.join(view, session)), "all");
  }

  /** What differs of the session's set, for other reasons than another view. */
  #give({ view, refusals, stream }: OpenSession, references: readonly ResourceReference[]): void {
    const set = this.#views.setOf(view);
    if (set !== undefined && references.length > 0) stream.publish(refusals.setFor(set), references);
  }

  /** It counts for this proxy alone: what others get doesn't depend on it. */
  #rejected(session: OpenSession, type: ResourceType, refusal: RefusedResponse): void {
    const set = this.#views.setOf(session.view);
    if (set === undefined) return;
    const before = this.refusalsOf(session).length;
    this.#give(session, session.refusals.rejected(type, refusal, set));
    const refusals = this.refusalsOf(session);
    if (refusals.length !== before) {
      const { nodeId, envoyVersion } = session;
      this.#options.log.warn({ nodeId, envoyVersion, type, detail: refusal.detail }, "refused by envoy");
    }
    this.#tellRefusals();
  }

  #refusingSessions(): readonly OpenSession[] {
    return [...this.#sessionsByNode.values()].flatMap((sessions) =>
      [...sessions].filter(({ refusals }) => !refusals.isEmpty),
    );
  }

  #tellRefusals(): void {
    const refusals = this.refusals().map(({ key }) => key);
    if (isDeepStrictEqual(refusals, this.#toldRefusals)) return;
    this.#toldRefusals = refusals;
    for (const listener of this.#refusalListeners) listener();
  }
}

// As src/agent/name-table-client.ts calls itself.
const AGENT_NAME = "meltemi-agent";

function isProxy({ isAgent }: OpenSession): boolean {
  return !isAgent;
}

function refused(status: "INVALID_ARGUMENT" | "PERMISSION_DENIED", message: string): XdsOpening {
  return { kind: "refused", status, message };
}

function emptyResource(type: ResourceType, name: string): Resource | undefined {
  if (type === "route") return buildResource(RouteConfigurationSchema, { name }, { name });
  if (type === "endpoint") return buildResource(ClusterLoadAssignmentSchema, { clusterName: name }, { name });
  return undefined;
}
