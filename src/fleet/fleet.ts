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
  SentResource,
  XdsOpening,
  XdsSession,
  XdsStreamHandle,
} from "../xds/backend.ts";
import type { Resource, ResourceReference } from "../xds/resource.ts";
import type { ResourceType } from "../xds/resource-type.ts";
import { type Blame, blame } from "./blame.ts";
import { type BuiltResource, buildResource } from "./built-resource.ts";
import { type DebugAccess, debugAnswer } from "./debug-types.ts";
import { HeldBack, type Refusal } from "./held-back.ts";
import type { HeldObjects } from "./held-objects.ts";
import { type FormerRows, LayeredRows } from "./layered-rows.ts";
import { keptFrom, type Programmed, programmedOf } from "./programmed.ts";
import {
  type IdentifiedBackend,
  type IdentifiedClient,
  identifyProxy,
  type ProxyOrigin,
} from "./proxy-identity.ts";
import { type Past, type ProxySet, type ProxyView, viewKey } from "./proxy-set.ts";
import type { ResourceTables } from "./resource-tables.ts";
import { SessionLedger } from "./session-ledger.ts";
import { SharedViews } from "./shared-views.ts";

export interface FleetOptions {
  readonly graph: Graph;
  readonly views: Views;
  /** The source table that `views` reads its proxies from. */
  readonly proxies: SourceTable<ConnectedProxy>;
  readonly tables: ResourceTables;
  readonly clock: Clock;
  readonly log: Logger;
  readonly debug: DebugAccess;
  /** Absent: nothing but the resource that an Envoy refuses is held back, and all edits of it wait. */
  readonly heldObjects?: HeldObjects;
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
  readonly #heldBack = new HeldBack();
  readonly #rows: LayeredRows;
  readonly #views: SharedViews<OpenSession>;
  readonly #refusalListeners = new Set<() => void>();
  #toldRefusals: readonly Refusal[] = [];
  #eventCount = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#rows = new LayeredRows(options.tables);
    this.#views = new SharedViews(this.#rows, this.#heldBack);
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

  /** Calls when what stands refused has changed, by an Envoy's answer or by an edit; returns what ends it. */
  watchRefusals(listener: () => void): () => void {
    this.#refusalListeners.add(listener);
    return () => this.#refusalListeners.delete(listener);
  }

  /** Resources that stand refused by some Envoy. */
  refusals(): readonly Refusal[] {
    return [...this.#heldBack.all(), ...(this.#options.heldObjects?.refusals() ?? [])];
  }

  /** Of these, what this proxy is kept from: the newest of its set that Envoys of its version refuse. */
  refusalsFor({ view, envoyVersion }: FleetSession): readonly Refusal[] {
    const set = this.#views.setOf(view);
    const isOfSet = ({ type, name }: Refusal) => set?.built(type, name) !== undefined;
    return [
      ...this.#heldBack
        .all()
        .filter(
          (each) =>
            each.envoyVersion === envoyVersion && set?.built(each.type, each.name)?.version === each.version,
        ),
      ...(this.#options.heldObjects?.refusals() ?? []).filter(isOfSet),
    ];
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
    const refusal = this.#options.heldObjects?.refusalOf(object);
    return refusal === undefined
      ? programmedOf(this.#rows.madeOf(object), newest, this.#views)
      : keptFrom(refusal, newest);
  }

  /** What a proxy asked for and gets of a type: what it has, or is about to have. */
  resourcesOf({ view, stream }: FleetSession, type: ResourceType): readonly Resource[] {
    const set = this.#views.setOf(view);
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
    const { ledger } = session;
    return {
      initialSet: () => initialSet,
      emptyResource,
      sent: (type, nonce) => ledger.sent(type, nonce),
      acknowledged: (type, nonce, resources) => {
        this.#eventCount += 1;
        ledger.acknowledged(type, nonce);
        for (const { name, version } of resources) this.#heldBack.acknowledged(type, name, version);
        this.#tryNext(session, type, resources);
      },
      rejected: (type, resources, detail) => {
        this.#eventCount += 1;
        ledger.rejected(type, resources, detail);
        this.#holdBack(session, type, { resources, detail });
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
    if (this.#sessionsByNode.size === 0 && this.#heldBack.isEmpty) return;
    this.#noteReplaced(former);
    const concerned = this.#views.change(former);
    // Whoever moves to another view compares the whole of both; all others look at what changed.
    const moved = new Set(this.#sessionsWithOtherView(commit));
    for (const session of moved) this.#move(session);
    for (const { set, sessions, references } of concerned) {
      for (const session of sessions) {
        if (moved.has(session)) continue;
        session.stream.publish(set, references);
      }
    }
  }

  #noteReplaced(former: FormerRows): void {
    for (const [type, layers] of former) {
      for (const [layer, rows] of layers) {
        for (const [name, before] of rows) {
          if (before?.kind !== "present") continue;
          const now = this.#rows.layer(type, layer)?.get(name);
          const successor = now?.kind === "present" ? now.resource : undefined;
          this.#heldBack.replaced(type, before.resource, successor);
        }
      }
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
    session.stream.publish(this.#views.join(view, session), "all");
  }

  #holdBack(
    session: OpenSession,
    type: ResourceType,
    {
      resources,
      detail,
    }: { readonly resources: readonly { name: string; version: string }[]; readonly detail: string },
  ): void {
    const named = resources.filter(({ name }) => detail.includes(name));
    const guilty = named.length > 0 ? named : resources.length === 1 ? resources : [];
    for (const { name, version } of guilty) {
      const built = this.#views.setOf(session.view)?.built(type, name);
      // The answer to what has been replaced since says nothing of what is in force.
      if (built?.version !== version) continue;
      const refused = this.#views.setOf(session.view)?.get(type, name);
      const { envoyVersion } = session;
      const blamed = this.#blame(type, built, detail);
      const refusal = { type, name, version, detail, source: blamed.source, envoyVersion };
      if (!this.#heldBack.refuse(refusal)) continue;
      this.#options.log.warn({ ...refusal, nodeId: session.nodeId }, "resource refused by envoy");
      this.#withdraw({ type, name }, refused, envoyVersion);
      this.#holdObjects(blamed, refusal);
      this.#tellRefusals();
    }
  }

  #tellRefusals(): void {
    const refusals = this.refusals();
    if (isDeepStrictEqual(refusals, this.#toldRefusals)) return;
    this.#toldRefusals = refusals;
    for (const listener of this.#refusalListeners) listener();
  }

  #blame(type: ResourceType, refused: BuiltResource, detail: string): Blame {
    return blame(type, { refused, accepted: this.#heldBack.previous(type, refused), detail });
  }

  /** Edits of other objects go on without those that are to blame. */
  #holdObjects({ source, isKnown }: Blame, refusal: Refusal): void {
    const { heldObjects } = this.#options;
    const keys = isKnown ? heldObjects?.holdable(source.map(({ object }) => object)) : undefined;
    if (keys === undefined || keys.length === 0) return;
    this.#options.log.warn({ keys }, "objects held at their version before");
    this.commit((transaction) => heldObjects?.hold(transaction, keys, refusal));
  }

  /** An Envoy took what is in force: the next of those that were refused together may join. */
  #tryNext(session: OpenSession, type: ResourceType, acknowledged: readonly SentResource[]): void {
    const { heldObjects } = this.#options;
    const set = this.#views.setOf(session.view);
    const isTaken = acknowledged.some(
      ({ name, version }) =>
        heldObjects?.hasUntried(type, name) && set?.built(type, name)?.version === version,
    );
    if (isTaken) this.commit((transaction) => heldObjects?.tryNext(transaction));
  }

  /** Others of the same version would refuse it too: they keep, or get, what was there before. */
  #withdraw(reference: ResourceReference, refused: Resource | undefined, envoyVersion: string): void {
    const past: Past = { resources: new Map([[`${reference.type} ${reference.name}`, refused]]) };
    for (const { set, sessions } of this.#views.withdraw(envoyVersion, past)) {
      for (const session of sessions) {
        session.stream.publish(set, [reference]);
      }
    }
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
