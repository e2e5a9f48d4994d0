// The connected proxies: which set each of them gets, what each has acknowledged, and the one door through which
// the graph is written, so that every change reaches those whom it concerns.

import type { Logger } from "../core/logger.ts";
import { ClusterLoadAssignmentSchema } from "../gen/envoy/config/endpoint/v3/endpoint_pb.ts";
import { RouteConfigurationSchema } from "../gen/envoy/config/route/v3/route_pb.ts";
import type { Commit, Graph, Transaction } from "../graph/graph.ts";
import type { SourceTable, Table } from "../graph/table.ts";
import type { ConnectedProxy } from "../view/client-scope.ts";
import { splitLayerKey } from "../view/scoped-rows.ts";
import type { Views } from "../view/views.ts";
import type { XdsBackend, XdsClient, XdsOpening, XdsSession, XdsStreamHandle } from "../xds/backend.ts";
import type { Resource, ResourceReference } from "../xds/resource.ts";
import type { ResourceType } from "../xds/resource-type.ts";
import { buildResource } from "./built-resource.ts";
import { HeldBack, type Refusal } from "./held-back.ts";
import { identifyProxy } from "./proxy-identity.ts";
import { type Past, ProxySet, type ProxyView, viewKey } from "./proxy-set.ts";
import type { ResourceRow } from "./resource-row.ts";
import { type IndexedResourceTables, type ServedType, servedTypes } from "./resource-tables.ts";
import { SessionLedger } from "./session-ledger.ts";

export interface FleetOptions {
  readonly graph: Graph;
  readonly views: Views;
  /** The source table that `views` reads its proxies from. */
  readonly proxies: SourceTable<ConnectedProxy>;
  readonly tables: IndexedResourceTables;
  readonly log: Logger;
}

/** A stream of one proxy. */
export interface FleetSession {
  readonly nodeId: string;
  readonly proxy: ConnectedProxy;
  readonly envoyVersion: string;
  readonly view: string;
  readonly ledger: SessionLedger;
}

interface OpenSession extends FleetSession {
  readonly stream: XdsStreamHandle;
  set: ProxySet;
  view: string;
}

export class Fleet implements XdsBackend {
  readonly #options: FleetOptions;
  readonly #sessions = new Set<OpenSession>();
  readonly #setsByView = new Map<string, ProxySet>();
  readonly #heldBack = new HeldBack();
  readonly #refusalListeners = new Set<() => void>();
  /** What the rows that a commit changed were before it. */
  readonly #known: ReadonlyMap<ServedType, Map<string, ResourceRow>>;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#known = new Map(servedTypes.map((type) => [type, new Map<string, ResourceRow>()]));
  }

  /** Writes to the graph and publishes what follows from it. */
  commit(write: (transaction: Transaction) => void): Commit {
    const commit = this.#options.graph.commit(write);
    for (const { table, key, error } of commit.errors)
      this.#options.log.error({ table, key, error }, "row failed");
    this.#publish(commit);
    return commit;
  }

  sessions(): Iterable<FleetSession> {
    return this.#sessions;
  }

  /** Calls when an Envoy refuses a resource that none of its version refused before; returns the function that ends it. */
  watchRefusals(listener: () => void): () => void {
    this.#refusalListeners.add(listener);
    return () => this.#refusalListeners.delete(listener);
  }

  /** Resources that stand refused by some Envoy. */
  refusals(): readonly Refusal[] {
    return this.#heldBack.all();
  }

  open(client: XdsClient, stream: XdsStreamHandle): XdsOpening {
    const identified = identifyProxy(client);
    if (identified.kind === "invalid") return refused("INVALID_ARGUMENT", identified.message);
    if (identified.kind === "denied") return refused("PERMISSION_DENIED", identified.message);
    const { nodeId, node } = client;
    this.commit((transaction) => transaction.set(this.#options.proxies, nodeId, identified.proxy));
    const view = this.#viewOf(nodeId, identified.proxy, node.userAgentVersion);
    const session: OpenSession = {
      nodeId,
      proxy: identified.proxy,
      envoyVersion: node.userAgentVersion,
      stream,
      view: viewKey(view),
      set: this.#setOf(view),
      ledger: new SessionLedger(),
    };
    this.#sessions.add(session);
    return { kind: "accepted", session: this.#sessionOf(session) };
  }

  #sessionOf(session: OpenSession): XdsSession {
    const { ledger } = session;
    return {
      initialSet: () => session.set,
      emptyResource,
      sent: (type, nonce) => ledger.sent(type, nonce),
      acknowledged: (type, nonce, resources) => {
        ledger.acknowledged(type, nonce);
        for (const { name, version } of resources) this.#heldBack.acknowledged(type, name, version);
      },
      rejected: (type, resources, detail) => {
        ledger.rejected(type, resources, detail);
        this.#holdBack(session, type, { resources, detail });
      },
      closed: () => this.#closed(session),
    };
  }

  #closed(session: OpenSession): void {
    this.#sessions.delete(session);
    const { nodeId } = session;
    const isLast = ![...this.#sessions].some((other) => other.nodeId === nodeId);
    if (isLast) this.commit((transaction) => transaction.delete(this.#options.proxies, nodeId));
    if (![...this.#sessions].some(({ view }) => view === session.view)) this.#setsByView.delete(session.view);
  }

  #viewOf(nodeId: string, proxy: ConnectedProxy, envoyVersion: string): ProxyView {
    const { views } = this.#options;
    const ofProxy: Table<{ readonly id: string }> =
      proxy.kind === "router" ? views.gatewayOfProxy : views.inboundOfProxy;
    return {
      kind: proxy.kind,
      scope: views.scopes.ofProxy.get(nodeId)?.id ?? "",
      workloadView: ofProxy.get(nodeId)?.id ?? "",
      envoyVersion,
    };
  }

  #setOf(view: ProxyView): ProxySet {
    const key = viewKey(view);
    const known = this.#setsByView.get(key);
    if (known !== undefined) return known;
    const set = new ProxySet(this.#options.tables, view, this.#heldBack);
    this.#setsByView.set(key, set);
    return set;
  }

  #publish(commit: Commit): void {
    const { changes, past } = this.#changesOf(commit);
    if (changes.size === 0 && !this.#hasViewChanges(commit)) return;
    const concerned = this.#succeed(changes, past);
    for (const session of this.#sessions) {
      const view = this.#viewOf(session.nodeId, session.proxy, session.envoyVersion);
      const key = viewKey(view);
      const references = concerned.get(key);
      if (key !== session.view) {
        session.view = key;
        session.set = this.#setOf(view);
        session.stream.publish(session.set, "all");
      } else if (references !== undefined) {
        session.set = this.#setOf(view);
        session.stream.publish(session.set, references);
      }
    }
    for (const key of this.#setsByView.keys()) if (!this.#isUsed(key)) this.#setsByView.delete(key);
  }

  /** Sets that a change concerns keep what was; new ones take their place. Returns what changed for each view. */
  #succeed(changes: ChangesByLayer, past: Past): ReadonlyMap<string, readonly ResourceReference[]> {
    const concerned = new Map<string, readonly ResourceReference[]>();
    for (const [key, set] of this.#setsByView) {
      const references = concernedBy(set, changes);
      if (references.length === 0) continue;
      concerned.set(key, references);
      this.#setsByView.set(key, set.successor());
      set.keep(past);
    }
    return concerned;
  }

  #isUsed(view: string): boolean {
    for (const session of this.#sessions) if (session.view === view) return true;
    return false;
  }

  #hasViewChanges({ changed }: Commit): boolean {
    const { views } = this.#options;
    return (
      changed.has(views.scopes.ofProxy) ||
      changed.has(views.inboundOfProxy) ||
      changed.has(views.gatewayOfProxy)
    );
  }

  #changesOf({ changed }: Commit): { readonly changes: ChangesByLayer; readonly past: Past } {
    const changes = new Map<string, ResourceReference[]>();
    const rows = new Map<ServedType, Map<string, ResourceRow | undefined>>();
    for (const type of servedTypes) {
      const { table } = this.#options.tables[type];
      const before = new Map<string, ResourceRow | undefined>();
      for (const key of changed.get(table) ?? []) {
        const { layer, name } = splitLayerKey(key);
        before.set(key, this.#remember(type, key, table.get(key)));
        const ofLayer = changes.get(layer);
        if (ofLayer === undefined) changes.set(layer, [{ type, name }]);
        else ofLayer.push({ type, name });
      }
      rows.set(type, before);
    }
    return { changes, past: { rows } };
  }

  /** Returns the row that was there before. */
  #remember(type: ServedType, key: string, row: ResourceRow | undefined): ResourceRow | undefined {
    const known = this.#known.get(type);
    const old = known?.get(key);
    if (old?.kind === "present" && this.#sessions.size > 0) this.#heldBack.replaced(type, old.resource);
    if (row === undefined) known?.delete(key);
    else known?.set(key, row);
    return old;
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
      const built = session.set.built(type, name);
      const refused = session.set.get(type, name);
      const { envoyVersion } = session;
      const refusal = { type, name, version, detail, source: built?.source ?? [], envoyVersion };
      if (!this.#heldBack.refuse(refusal)) continue;
      this.#options.log.warn({ ...refusal, nodeId: session.nodeId }, "resource refused by envoy");
      this.#withdraw({ type, name }, refused, envoyVersion);
      for (const listener of this.#refusalListeners) listener();
    }
  }

  /** Others of the same version would refuse it too: they keep, or get, what was there before. */
  #withdraw(reference: ResourceReference, refused: Resource | undefined, envoyVersion: string): void {
    const past: Past = { resources: new Map([[`${reference.type} ${reference.name}`, refused]]) };
    for (const [key, set] of this.#setsByView) {
      if (set.envoyVersion !== envoyVersion) continue;
      this.#setsByView.set(key, set.successor());
      set.keep(past);
    }
    for (const session of this.#sessions) {
      if (session.envoyVersion !== envoyVersion) continue;
      session.set = this.#setsByView.get(session.view) ?? session.set;
      session.stream.publish(session.set, [reference]);
    }
  }
}

type ChangesByLayer = ReadonlyMap<string, readonly ResourceReference[]>;

function concernedBy(
  set: ProxySet,
  changes: ReadonlyMap<string, readonly ResourceReference[]>,
): readonly ResourceReference[] {
  const concerned: ResourceReference[] = [];
  for (const [layer, references] of changes) {
    for (const reference of references) {
      if (set.layersOf(reference.type).includes(layer)) concerned.push(reference);
    }
  }
  return concerned;
}

function refused(status: "INVALID_ARGUMENT" | "PERMISSION_DENIED", message: string): XdsOpening {
  return { kind: "refused", status, message };
}

function emptyResource(type: ResourceType, name: string): Resource | undefined {
  if (type === "route") return buildResource(RouteConfigurationSchema, { name }, { name });
  if (type === "endpoint") return buildResource(ClusterLoadAssignmentSchema, { clusterName: name }, { name });
  return undefined;
}
