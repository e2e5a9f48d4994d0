// The connected proxies: which set each of them gets, what each has acknowledged, and the one door through which
// the graph is written, so that every change reaches those whom it concerns.

import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import type { ObjectKey } from "../core/object-key.ts";
import { ClusterLoadAssignmentSchema } from "../gen/envoy/config/endpoint/v3/endpoint_pb.ts";
import { RouteConfigurationSchema } from "../gen/envoy/config/route/v3/route_pb.ts";
import type { Commit, Graph, Transaction } from "../graph/graph.ts";
import type { SourceTable } from "../graph/table.ts";
import type { ConnectedProxy } from "../view/client-scope.ts";
import { EMPTY_PROFILE, type Profile } from "../view/profile.ts";
import type { ProxyStream, Recognitions } from "../view/recognition.ts";
import type { Views } from "../view/views.ts";
import type {
  GenericRequest,
  RefusedResponse,
  XdsJoining,
  XdsOpening,
  XdsRefusal,
  XdsSession,
  XdsStreamHandle,
} from "../xds/backend.ts";
import type { Resource, ResourceReference } from "../xds/resource.ts";
import type { ResourceType } from "../xds/resource-type.ts";
import { buildResource } from "./built-resource.ts";
import { type DebugAccess, debugAnswer } from "./debug-types.ts";
import type { FleetSession } from "./fleet-session.ts";
import { LayeredRows } from "./layered-rows.ts";
import { mergeRefusals, type Refusal } from "./merged-refusals.ts";
import { type Programmed, programmedOf } from "./programmed.ts";
import {
  type IdentifiedBackend,
  type IdentifiedClient,
  type ProxyOrigin,
  readClaim,
} from "./proxy-identity.ts";
import type { ProxySet } from "./proxy-set.ts";
import { type Push, type PushCause, type PushEvents, PushLedger, type SessionPushes } from "./push-ledger.ts";
import { RecognitionWaits } from "./recognition-waits.ts";
import type { ResourceTables } from "./resource-tables.ts";
import { SessionLedger } from "./session-ledger.ts";
import { type SessionRefusal, SessionRefusals } from "./session-refusals.ts";
import { SharedViews } from "./shared-views.ts";
import { StandInListeners } from "./stand-in-listeners.ts";
import { StandInTables } from "./stand-in-tables.ts";

export interface FleetOptions {
  readonly graph: Graph;
  readonly views: Views;
  /** Written by the fleet alone. */
  readonly streams: SourceTable<ProxyStream>;
  /** What the streams are; `views` reads its proxies from here. */
  readonly recognitions: Recognitions;
  readonly tables: ResourceTables;
  readonly clock: Clock;
  readonly log: Logger;
  readonly debug: DebugAccess;
  /** CPU time of the process in ms, from any start; where it is absent, no push costs any. */
  readonly cpuNowMs?: () => number;
  readonly pushEvents?: PushEvents;
  /** A proxy of this account has asked for Secrets; it gets them once `views` knows that it may. */
  readonly onSecretsWanted?: (account: SecretAccount) => void;
}

/** Whose right to read Secrets matters. */
export interface SecretAccount {
  readonly namespace: string;
  readonly serviceAccount: string;
}

interface OpenSession extends FleetSession {
  /** Of the stream's rows in all tables. Nothing that a client says is a key. */
  readonly key: string;
  readonly stream: XdsStreamHandle;
  readonly pushes: SessionPushes;
  proxy: ConnectedProxy;
  view: string;
  /** It asked for more than the name table, which a pod's agent wants for itself. */
  isProxy: boolean;
  wantsSecrets: boolean;
}

/** Whoever has shown who they are may speak; what they are is asked when they want to be a proxy. */
type AcceptedOpening = Extract<XdsOpening, { kind: "accepted" }>;

/** What is known of a stream before it joins. */
interface Joiner {
  readonly key: string;
  readonly client: IdentifiedClient;
  readonly origin: ProxyOrigin;
  readonly stream: XdsStreamHandle;
}

export class Fleet implements IdentifiedBackend {
  readonly #options: FleetOptions;
  /** By key, the newest last. */
  readonly #sessions = new Map<string, OpenSession>();
  readonly #waits: RecognitionWaits;
  readonly #rows: LayeredRows;
  readonly #views: SharedViews<OpenSession>;
  readonly #standIns = { tables: new StandInTables(), listeners: new StandInListeners() };
  readonly #pushes: PushLedger;
  readonly #refusalListeners = new Set<() => void>();
  #toldRefusals: readonly string[] = [];
  #newsCount = 0;
  #streamCount = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#waits = new RecognitionWaits(options.clock);
    this.#rows = new LayeredRows(options.tables);
    this.#views = new SharedViews(this.#rows);
    const { clock, cpuNowMs = () => 0, pushEvents } = options;
    this.#pushes = new PushLedger({ clock, cpuNowMs, ...(pushEvents && { events: pushEvents }) });
  }

  /** Writes to the graph and publishes what follows from it. */
  commit(write: (transaction: Transaction) => void, cause: PushCause = { trigger: "config" }): Commit {
    return this.#pushes.run(cause, () => {
      const commit = this.#options.graph.commit(write);
      for (const { table, key, error } of commit.errors)
        this.#options.log.error({ table, key, error }, "row failed");
      this.#publish(commit);
      this.#tellRefusals();
      return commit;
    });
  }

  /** What was pushed, the newest first. */
  pushes(limit: number): readonly Push[] {
    return this.#pushes.newest(limit);
  }

  /**
   * Grows when some object may concern other views than before, and with each refusal: as long as it stays, what is said of
   * an object that all proxies have stays true. Proxies that come to a view that there is, what they acknowledge and
   * changes of endpoints alone don't count.
   */
  get newsCount(): number {
    return this.#newsCount;
  }

  /** One of each proxy: of several streams the newest counts. */
  sessions(): Iterable<FleetSession> {
    return this.#newest();
  }

  #newest(): readonly OpenSession[] {
    const newest = new Map<string, OpenSession>();
    for (const session of this.#sessions.values())
      if (session.isProxy) newest.set(clientKeyOf(session), session);
    return [...newest.values()];
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
  offerAgain(objects: ReadonlySet<ObjectKey>, cause: PushCause): void {
    this.#pushes.run(cause, () => {
      for (const session of this.#refusingSessions()) {
        const references = session.refusals.offerAgain(objects);
        if (references.length === 0) continue;
        this.#give(session, references);
        session.stream.offerAgain(references);
      }
    });
  }

  /**
   * Who has what was made of an object: a proxy is concerned if it asked for any of it. An object of which nothing is
   * made, such as one that no proxy's config depends on, concerns none.
   */
  programmed(object: ObjectKey): Programmed {
    return programmedOf({ object, made: this.#rows.madeOf(object) }, this.#newest(), this.#views);
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

  open(client: IdentifiedClient, stream: XdsStreamHandle): AcceptedOpening {
    const { identity } = client;
    const { debug } = this.#options;
    const mayDebug = identity.proof === "none" || debug.namespaces.includes(identity.namespace);
    const generic = (request: GenericRequest) => debugAnswer(request, this, debug);
    this.#streamCount += 1;
    const key = `stream ${this.#streamCount}`;
    const conversation = {
      join: () => this.#join(key, client, stream),
      closed: () => this.#closed(key),
      ...(mayDebug ? { generic } : {}),
    };
    return { kind: "accepted", conversation };
  }

  #join(key: string, client: IdentifiedClient, stream: XdsStreamHandle): XdsJoining | Promise<XdsJoining> {
    const read = readClaim(client);
    if (read.kind !== "claim")
      return refused(read.kind === "invalid" ? "INVALID_ARGUMENT" : "PERMISSION_DENIED", read.message);
    const { identity, remoteAddress } = client;
    const { claim, origin } = read;
    const cause = { trigger: "proxy", proxy: fullName(claim) } as const;
    this.commit(({ set }) => set(this.#options.streams, key, { identity, claim, remoteAddress }), cause);
    const joiner = { key, client, origin, stream };
    if (this.#options.recognitions.table.get(key)?.kind !== "unknown") return this.#settle(joiner);
    return this.#waits.wait(key).then(() => this.#settle(joiner));
  }

  #settle({ key, client, origin, stream }: Joiner): XdsJoining {
    const recognition = this.#options.recognitions.table.get(key);
    // A row that failed: nothing is known of the stream.
    if (recognition === undefined) return refused("UNAVAILABLE", "The client could not be judged");
    if (recognition.kind === "refused") return refused("PERMISSION_DENIED", recognition.message);
    const { nodeId, node, identity } = client;
    const { proxy } = recognition;
    const connectedAtMs = this.#options.clock.now();
    const facts = {
      key,
      nodeId,
      identity,
      proxy,
      origin,
      envoyVersion: node.userAgentVersion,
      connectedAtMs,
    };
    const profile = this.#profileOf(key);
    const session: OpenSession = {
      ...facts,
      stream,
      view: profile.id,
      ledger: new SessionLedger(),
      pushes: this.#pushes.follow(),
      refusals: new SessionRefusals(this.#standIns),
      isProxy: false,
      wantsSecrets: false,
    };
    this.#sessions.set(key, session);
    this.#noteView(profile.id);
    this.#pushes.run({ trigger: "proxy", proxy: fullName(proxy) }, () => session.pushes.given());
    return { kind: "joined", session: this.#sessionOf(session, this.#views.join(profile, session)) };
  }

  #sessionOf(session: OpenSession, initialSet: ProxySet): XdsSession {
    const { ledger, pushes, refusals } = session;
    return {
      initialSet: () => initialSet,
      clientKey: clientKeyOf(session),
      asked: (type) => {
        session.isProxy ||= type !== "name-table";
        if (type === "secret") this.#wantSecrets(session);
      },
      emptyResource,
      sent: (type, nonce, { bytes }) => {
        ledger.sent(type, nonce);
        pushes.sent(bytes);
      },
      tookTurn: ({ cpuMs, isInStep }) => {
        pushes.spent(cpuMs);
        if (isInStep) pushes.inStep();
      },
      acknowledged: (type, nonce, resources) => {
        ledger.acknowledged(type, nonce);
        if (refusals.isEmpty) return;
        this.#pushes.run(causeOfRefusal(session), () =>
          this.#give(session, refusals.acknowledged(type, resources)),
        );
        this.#tellRefusals();
      },
      rejected: (type, refusal) => {
        this.#newsCount += 1;
        ledger.rejected(type, refusal.detail);
        pushes.refused();
        this.#pushes.run(causeOfRefusal(session), () => this.#rejected(session, type, refusal));
      },
    };
  }

  /** Nothing of a stream remains when it has ended. */
  #closed(key: string): void {
    this.#waits.left(key);
    const session = this.#sessions.get(key);
    if (session !== undefined) {
      session.pushes.left();
      this.#views.leave(session.view, session);
      this.#noteView(session.view);
      this.#sessions.delete(key);
      if (!session.refusals.isEmpty) this.#tellRefusals();
    }
    const claim = this.#options.streams.get(key)?.claim;
    if (claim === undefined) return;
    const cause = { trigger: "proxy", proxy: fullName(claim) } as const;
    this.commit((transaction) => transaction.delete(this.#options.streams, key), cause);
  }

  #profileOf(key: string): Profile {
    return this.#options.views.profiles.get(key) ?? EMPTY_PROFILE;
  }

  #publish(commit: Commit): void {
    this.#noteRecognitions(commit);
    const former = this.#rows.take(commit);
    if ([...former.keys()].some((type) => type !== "endpoint")) this.#newsCount += 1;
    if (this.#sessions.size === 0) return;
    const concerned = this.#views.change(former);
    const changedByView = new Map(concerned.map(({ key, references }) => [key, references]));
    const moved = new Set(this.#sessionsWithOtherView(commit));
    for (const { sessions, references } of concerned) {
      for (const session of sessions) if (!moved.has(session)) this.#give(session, references);
    }
    for (const session of moved) this.#move(session, changedByView.get(session.view) ?? []);
  }

  /** Whether it may have them isn't waited for. */
  #wantSecrets(session: OpenSession): void {
    session.wantsSecrets = true;
    const { namespace, pod } = session.proxy;
    if (pod !== undefined) this.#options.onSecretsWanted?.({ namespace, serviceAccount: pod.serviceAccount });
  }

  /** Some proxy of the ServiceAccount asked for Secrets. */
  wantsSecrets({ namespace, serviceAccount }: SecretAccount): boolean {
    return [...this.#sessions.values()].some(
      ({ proxy, wantsSecrets }) =>
        wantsSecrets && proxy.namespace === namespace && proxy.pod?.serviceAccount === serviceAccount,
    );
  }

  /** Streams become another thing as pods come, go and change. */
  #noteRecognitions({ changed }: Commit): void {
    const { table } = this.#options.recognitions;
    for (const key of changed.get(table) ?? []) {
      const recognition = table.get(key);
      if (recognition?.kind !== "unknown") this.#waits.recognized(key);
      const session = this.#sessions.get(key);
      if (session === undefined || recognition === undefined) continue;
      if (recognition.kind === "refused") session.stream.close("PERMISSION_DENIED", recognition.message);
      else {
        session.proxy = recognition.proxy;
        if (session.wantsSecrets) this.#wantSecrets(session);
      }
    }
  }

  *#sessionsWithOtherView({ changed }: Commit): Iterable<OpenSession> {
    for (const key of changed.get(this.#options.views.profiles) ?? []) {
      const session = this.#sessions.get(key);
      if (session !== undefined && this.#profileOf(key).id !== session.view) yield session;
    }
  }

  /** `changed`: what the commit changed in the view that it leaves. */
  #move(session: OpenSession, changed: readonly ResourceReference[]): void {
    const profile = this.#profileOf(session.key);
    const before = this.#views.setOf(session.view);
    this.#views.leave(session.view, session);
    this.#noteView(session.view);
    session.view = profile.id;
    this.#noteView(profile.id);
    const set = this.#views.join(profile, session);
    // What stands in for what it refuses depends on the whole set.
    const isComparable = before !== undefined && session.refusals.isEmpty;
    const differences = isComparable ? set.differencesFrom(before) : "all";
    session.pushes.given();
    session.stream.publish(
      session.refusals.setFor(set),
      differences === "all" ? "all" : [...differences, ...changed],
    );
  }

  /** Asked before a session joins and after it has left: nobody else has the view. */
  #noteView(view: string): void {
    if (this.#views.setOf(view) === undefined) this.#newsCount += 1;
  }

  /** What differs of the session's set, for other reasons than another view. */
  #give({ view, pushes, refusals, stream }: OpenSession, references: readonly ResourceReference[]): void {
    const set = this.#views.setOf(view);
    if (set === undefined || references.length === 0) return;
    pushes.given();
    stream.publish(refusals.setFor(set), references);
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
    return [...this.#sessions.values()].filter(({ refusals }) => !refusals.isEmpty);
  }

  #tellRefusals(): void {
    const refusals = this.refusals().map(({ key }) => key);
    if (isDeepStrictEqual(refusals, this.#toldRefusals)) return;
    this.#toldRefusals = refusals;
    this.#newsCount += 1;
    for (const listener of this.#refusalListeners) listener();
  }
}

/** By which a proxy is the same over several streams. */
function clientKeyOf({ nodeId, identity, proxy }: OpenSession): string {
  if (identity.proof === "none") return nodeId;
  const uid = proxy.pod?.uid ?? identity.pod?.uid;
  return uid === undefined ? `${identity.namespace}/${identity.serviceAccount} ${nodeId}` : `pod ${uid}`;
}

function causeOfRefusal({ proxy }: OpenSession): PushCause {
  return { trigger: "refusal", proxy: fullName(proxy) };
}

function fullName({ name, namespace }: { readonly name: string; readonly namespace: string }): string {
  return `${name}.${namespace}`;
}

function refused(status: XdsRefusal["status"], message: string): XdsRefusal {
  return { kind: "refused", status, message };
}

function emptyResource(type: ResourceType, name: string): Resource | undefined {
  if (type === "route") return buildResource(RouteConfigurationSchema, { name }, { name });
  if (type === "endpoint") return buildResource(ClusterLoadAssignmentSchema, { clusterName: name }, { name });
  return undefined;
}
