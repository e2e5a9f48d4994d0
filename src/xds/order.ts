// The contract of warming and order, as a pure state machine over what one stream's client has and should have.
// Measured on Envoy 1.40: it withholds the ACK of a CDS response until every cluster in it is warm, and a changed cluster
// is warm only when its ClusterLoadAssignment was sent again. Hence:
//  1. A cluster that is sent is followed at once by its endpoints, changed or not; endpoints never wait for the ACK.
//  2. What routes to a new cluster waits for its ACK, with a deadline, and then goes anyway.
//  3. Additions go in the order of `resourceTypes`; a removal waits until what the client still used it for is replaced
//     and acknowledged. A refused version leaves the older one in use, so it counts as still used.
//  4. What was asked for by name is always answered.
//  5. An extension configuration that the newer listeners don't use stays as it was until these have all of theirs, with a
//     deadline: the older listener takes connections until then.
// Clusters whose secret can't be served must be left out of the set by whoever makes it.

import type { Held, RefusedResource, Standing } from "./backend.ts";
import { isLeftBehind } from "./left-extensions.ts";
import type { InternedNames } from "./name-set.ts";
import type { Needed } from "./needed-names.ts";
import { neededNames } from "./needed-names.ts";
import { isAfterDecoding, namedIn } from "./refused-names.ts";
import type { Resource, ResourceReference, ResourceSet } from "./resource.ts";
import type { ResourceType } from "./resource-type.ts";
import { resourceTypes, rulesOf } from "./resource-type.ts";
import { planRestoring, recordRestoring } from "./restoring.ts";
import type { Subscription } from "./subscription.ts";
import { applyPublish, createSubscription, wantedResource } from "./subscription.ts";
import type {
  PlannedResource,
  PlannedResponse,
  ToldRefusal,
  TypeState,
  UnansweredResponse,
} from "./type-state.ts";
import { createTypeState, inUseOf, offerAgain, recordAcknowledged, recordRejected } from "./type-state.ts";

export interface OrderOptions {
  readonly internedNames: (type: ResourceType) => InternedNames;
  readonly emptyResource: (type: ResourceType, name: string) => Resource | undefined;
  /** How long routes wait for new clusters; 2,000 in production. */
  readonly clusterWaitMs: number;
  /** Of one type; more changes then gather behind and go as one. */
  readonly maxUnacknowledgedBytes: number;
  /** State of the world can't say that a named resource is gone. */
  readonly canRemoveByName: boolean;
  /** The client's last stream ended while clusters may have been warming (`mayBeWarming`). */
  readonly wasInterrupted: boolean;
}

export class StreamOrder {
  readonly #options: OrderOptions;
  readonly #types = new Map<ResourceType, TypeState>();
  /** New clusters with the nonce of the last response that added them: one that was removed meanwhile is new again. */
  readonly #warming = new Map<string, string>();
  #set: ResourceSet;
  #areEndpointsOwed = false;
  #removalsFromMs = 0;

  constructor(set: ResourceSet, options: OrderOptions) {
    this.#set = set;
    this.#options = options;
  }

  get set(): ResourceSet {
    return this.#set;
  }

  subscriptionOf(type: ResourceType): Subscription | undefined {
    return this.#types.get(type)?.subscription;
  }

  /** What the subscriptions of all types hold together. */
  subscribedNames(): { readonly count: number; readonly characterCount: number } {
    let [count, characterCount] = [0, 0];
    for (const { subscription } of this.#types.values()) {
      count += subscription.names.size;
      characterCount += subscription.names.characterCount;
    }
    return { count, characterCount };
  }

  /** The subscription of a type, made at the first request of that type. */
  subscribe(type: ResourceType): Subscription {
    const known = this.#types.get(type);
    if (known !== undefined) return known.subscription;
    const subscription = createSubscription(type, this.#options.internedNames(type));
    this.#types.set(type, createTypeState(subscription, dependantTypes.has(type)));
    return subscription;
  }

  /**
   * After a reconnect the client names its types one after another, so for a while nobody knows what still needs a
   * cluster that is gone: removals wait as long as routes would, from the first such type on.
   */
  holdRemovals(nowMs: number): void {
    if (this.#removalsFromMs === 0) this.#removalsFromMs = nowMs + this.#options.clusterWaitMs;
  }

  /** Whether what a client says on reconnect to have of a type can be taken as it is. */
  trustsVersionsOf(type: ResourceType): boolean {
    return type !== "endpoint" || !this.#options.wasInterrupted;
  }

  /**
   * Whether the client may have clusters that warm. If the stream ends now, these go on waiting for endpoints that the
   * client will say it has (of the same name, for the cluster's older version), so the next stream must send them.
   */
  mayBeWarming(): boolean {
    if ((this.#types.get("cluster")?.unanswered.length ?? 0) > 0) return true;
    if (!this.#options.wasInterrupted) return false;
    const endpoints = this.#types.get("endpoint");
    return endpoints === undefined || endpoints.unanswered.length + endpoints.subscription.pending.size > 0;
  }

  /** After a reconnect clusters may be sent before the client has named its endpoints: these follow now. */
  oweEndpointsOfUnanswered(): void {
    for (const { resources } of this.#types.get("cluster")?.unanswered ?? []) this.#oweEndpoints(resources);
  }

  publish(set: ResourceSet, changed: ReadonlyMap<ResourceType, Iterable<string>> | "all"): void {
    const changedTypes = new Set<ResourceType>();
    for (const [type, state] of this.#types) {
      const { subscription, refused } = state;
      const names = changed === "all" ? "all" : changed.get(type);
      if (names === undefined) continue;
      replaceRefused(state, this.#set, set);
      applyPublish(subscription, this.#set, set, names);
      const { pending } = subscription;
      const others = names === "all" ? pending.keys() : names;
      for (const name of others) if (pending.has(name) && !refused.has(name)) changedTypes.add(type);
    }
    this.#set = set;
    if (changedTypes.size > 0) this.#tryAgain(changedTypes);
  }

  /** Sends refused versions once more. */
  offerAgain(references: readonly ResourceReference[]): void {
    for (const { type, name } of references) {
      const state = this.#types.get(type);
      if (state !== undefined) this.#offerAgain(state, [name]);
    }
  }

  /** The next response that may go now, or undefined; after it was sent, `recordSent` and ask again. */
  next(nowMs: number): PlannedResponse | undefined {
    // Before more clusters, where these go in several responses.
    const owed = this.#areEndpointsOwed ? this.#nextOf("endpoint", nowMs) : undefined;
    if (owed !== undefined) return owed;
    this.#areEndpointsOwed = false;
    for (const type of resourceTypes) {
      const response = this.#nextOf(type, nowMs);
      if (response !== undefined) return response;
    }
    return undefined;
  }

  #nextOf(type: ResourceType, nowMs: number): PlannedResponse | undefined {
    const state = this.#types.get(type);
    if (state === undefined || !this.#hasWork(state) || this.#isWindowFull(state)) return undefined;
    const response = planRestoring(state) ?? this.#planType(state, nowMs);
    const isEmpty = response.resources.length === 0 && response.removed.length === 0;
    return isEmpty && !state.subscription.owesAnswer ? undefined : response;
  }

  /** When `next` may have an answer though nothing else happens; undefined when it won't. */
  wakeAtMs(nowMs: number): number | undefined {
    let wakeAtMs = Number.POSITIVE_INFINITY;
    if (this.#removalsFromMs > nowMs) wakeAtMs = this.#removalsFromMs;
    for (const { subscription, deadlines } of this.#types.values()) {
      for (const [name, deadlineMs] of deadlines) {
        if (!subscription.pending.has(name)) deadlines.delete(name);
        else if (deadlineMs > nowMs) wakeAtMs = Math.min(wakeAtMs, deadlineMs);
      }
    }
    return Number.isFinite(wakeAtMs) ? wakeAtMs : undefined;
  }

  /** The client has answered everything; what `next` and `wakeAtMs` don't know of comes with a change alone. */
  isAnswered(): boolean {
    for (const { unanswered } of this.#types.values()) if (unanswered.length > 0) return false;
    return true;
  }

  recordSent(planned: PlannedResponse, nonce: string): UnansweredResponse {
    const state = this.#stateOf(planned.type);
    if (planned.isRestoring) return recordRestoring(state, planned, nonce);
    const { subscription } = state;
    const isDependant = dependantTypes.has(planned.type);
    const replaced = new Map<string, Held>();
    const newClusters: string[] = [];
    for (const name of [...planned.resources.map((item) => item.name), ...planned.removed]) {
      const held = subscription.pending.get(name) ?? "nothing";
      if (isDependant) replaced.set(name, held);
      if (planned.type === "cluster" && held === "nothing") newClusters.push(name);
      subscription.pending.delete(name);
      state.deadlines.delete(name);
      state.parts.delete(name);
      state.refused.delete(name);
    }
    subscription.owesAnswer = false;
    const resources = planned.resources.flatMap(({ resource }) => (resource === undefined ? [] : [resource]));
    if (planned.type === "cluster") this.#oweEndpoints(resources);
    for (const name of newClusters) this.#warming.set(name, nonce);
    const response: UnansweredResponse = {
      type: planned.type,
      nonce,
      bytes: 0,
      removed: planned.removed,
      resources,
      replaced,
      newClusters,
    };
    state.unanswered.push(response);
    return response;
  }

  /**
   * Notes the client's verdict on a response and returns it; undefined if no such response is unanswered. In state of
   * the world a verdict covers the older responses of its type too (`isCumulative`).
   */
  recordVerdict(
    type: ResourceType,
    nonce: string,
    {
      errorDetail,
      isCumulative,
    }: { readonly errorDetail: string | undefined; readonly isCumulative: boolean },
  ): Verdict | undefined {
    const state = this.#types.get(type);
    const index = state?.unanswered.findIndex((response) => response.nonce === nonce) ?? -1;
    if (state === undefined || index < 0) return undefined;
    const answered = state.unanswered.splice(isCumulative ? 0 : index, isCumulative ? index + 1 : 1);
    const isListed = (name: string) => wantedResource(state.subscription, this.#set, name) !== undefined;
    let verdict: Verdict | undefined;
    for (const response of answered) {
      for (const name of response.newClusters) {
        if (this.#warming.get(name) === response.nonce) this.#warming.delete(name);
      }
      const { resources } = response;
      if (errorDetail === undefined) {
        recordAcknowledged(state, response);
        // What was restored is what the client had: the newest version is refused as before.
        verdict = { resources: response.isRestoring ? [] : resources, refused: [] };
      } else {
        const told = readRefusal(response, errorDetail);
        verdict = { resources, refused: recordRejected(state, response, { ...told, isListed }) };
      }
    }
    return verdict;
  }

  /** What the client has under each name it wants, as far as it was sent: the body of a full-state response. */
  *heldResources(type: ResourceType): Iterable<Resource> {
    const { subscription, refused, kept } = this.#stateOf(type);
    const names = new Set<string>([...subscription.names, ...subscription.pending.keys()]);
    if (subscription.isWildcard) for (const name of this.#set.names(type)) names.add(name);
    for (const name of names) {
      const wanted = wantedResource(subscription, this.#set, name);
      const isRefused = wanted !== undefined && refused.get(name) === wanted.version;
      const held = subscription.pending.get(name) ?? (isRefused ? kept.get(name) : wanted);
      if (typeof held === "object") yield held;
    }
  }

  standing({ type, name }: ResourceReference): Standing {
    const state = this.#types.get(type);
    if (state === undefined || wantedResource(state.subscription, this.#set, name) === undefined)
      return "unwanted";
    const isUnanswered = state.unanswered.some((response) =>
      response.resources.some((resource) => resource.name === name),
    );
    if (isUnanswered || state.subscription.pending.has(name)) return "on-its-way";
    return state.refused.has(name) || state.kept.has(name) ? "refused" : "in-use";
  }

  /** What is refused may have been so because of what has changed. */
  #tryAgain(changedTypes: ReadonlySet<ResourceType>): void {
    for (const [type, state] of this.#types) {
      if (rulesOf(type).refusedBecauseOf.some((cause) => changedTypes.has(cause))) {
        this.#offerAgain(state, [...state.refused.keys()]);
      }
    }
  }

  #offerAgain(state: TypeState, names: readonly string[]): void {
    offerAgain(
      state,
      names.filter((name) => wantedResource(state.subscription, this.#set, name) !== undefined),
    );
  }

  /** Gives the names back to the shared table. */
  close(): void {
    for (const { subscription } of this.#types.values()) subscription.names.clear();
  }

  #stateOf(type: ResourceType): TypeState {
    const state = this.#types.get(type);
    if (state === undefined) throw new Error(`No subscription to ${type} on this stream`);
    return state;
  }

  #hasWork({ subscription, restored }: TypeState): boolean {
    return subscription.owesAnswer || subscription.pending.size > 0 || restored.size > 0;
  }

  /** Endpoints that a sent cluster waits for pass: the ACK that would open the window of clusters depends on them. */
  #isWindowFull({ subscription, unanswered }: TypeState): boolean {
    if (subscription.type === "endpoint" && this.#areEndpointsOwed) return false;
    let bytes = 0;
    for (const response of unanswered) bytes += response.bytes;
    return bytes >= this.#options.maxUnacknowledgedBytes;
  }

  #planType(state: TypeState, nowMs: number): PlannedResponse {
    const { subscription } = state;
    const { type } = subscription;
    const resources: PlannedResource[] = [];
    const removed: string[] = [];
    let stillNeeded: Needed | undefined;
    let part: number | undefined;
    const isFull = () => rulesOf(type).isRestored && resources.length + removed.length > 0;
    for (const [name, held] of subscription.pending) {
      if (isFull()) break;
      const wanted = wantedResource(subscription, this.#set, name);
      if (wanted !== undefined) {
        if (!this.#mayGo(state, name, wanted, nowMs)) continue;
        if (resources.length === 0) part = state.parts.get(name);
        else if (state.parts.get(name) !== part) continue;
        resources.push({ name, resource: wanted });
      } else if (held === "nothing") {
        this.#answerMissing(subscription, name, { resources, removed });
      } else if (rulesOf(type).whenGone === "remove" && nowMs >= this.#removalsFromMs) {
        stillNeeded ??= neededNames(type, this.#types, this.#set);
        if (stillNeeded === "unknown" || stillNeeded.has(name)) continue;
        this.#planRemoval(subscription, name, { resources, removed });
      }
    }
    if (subscription.owesAnswer && resources.length === 0) this.#answerEmptyWildcard(type, resources);
    return { type, resources, removed };
  }

  #planRemoval(subscription: Subscription, name: string, response: OpenResponse): void {
    const empty = this.#canSayGone(subscription.type)
      ? undefined
      : this.#options.emptyResource(subscription.type, name);
    if (empty === undefined) this.#sayGone(subscription, name, response);
    else response.resources.push({ name, resource: empty });
  }

  /** "Knowing When a Requested Resource Does Not Exist", and the cases in which Envoy must not be told so. */
  #answerMissing(subscription: Subscription, name: string, response: OpenResponse): void {
    const { type } = subscription;
    const isEmptied = subscription.names.has(name) && (type === "route" || !this.#canSayGone(type));
    const empty = isEmptied ? this.#options.emptyResource(type, name) : undefined;
    if (empty !== undefined) response.resources.push({ name, resource: empty });
    else if (type === "virtual-host") response.resources.push({ name, resource: undefined });
    else this.#sayGone(subscription, name, response);
  }

  #canSayGone(type: ResourceType): boolean {
    return this.#options.canRemoveByName || rulesOf(type).isFullState;
  }

  #sayGone({ type, pending }: Subscription, name: string, response: OpenResponse): void {
    if (this.#canSayGone(type)) response.removed.push(name);
    else pending.delete(name);
  }

  /** An empty first VHDS answer would leave the listener warming. */
  #answerEmptyWildcard(type: ResourceType, resources: PlannedResource[]): void {
    const empty = type === "virtual-host" ? this.#options.emptyResource(type, "*") : undefined;
    if (empty !== undefined) resources.push({ name: empty.name, resource: empty });
  }

  #mayGo(state: TypeState, name: string, resource: Resource, nowMs: number): boolean {
    if (!this.#isAwaited(state, name) && this.#areClustersWarm(state, resource)) return true;
    const deadlineMs = state.deadlines.get(name) ?? nowMs + this.#options.clusterWaitMs;
    state.deadlines.set(name, deadlineMs);
    return nowMs >= deadlineMs;
  }

  /** What a listener that is being replaced goes on using waits for the newer one to be complete. */
  #isAwaited(extensions: TypeState, name: string): boolean {
    const listeners = this.#types.get("listener");
    if (extensions.subscription.type !== "extension-config" || listeners === undefined) return false;
    return isLeftBehind(name, { extensions, listeners, set: this.#set });
  }

  #areClustersWarm({ subscription }: TypeState, { needs }: Resource): boolean {
    if (!rulesOf(subscription.type).waitsForClusters || this.#isEveryClusterWarm()) return true;
    return needs.every((need) => need.type !== "cluster" || this.#isWarm(need.name));
  }

  /** The usual state, seen at once: a route may need a thousand clusters. */
  #isEveryClusterWarm(): boolean {
    return this.#warming.size === 0 && (this.#types.get("cluster")?.subscription.pending.size ?? 0) === 0;
  }

  /** A cluster that the client won't get is nothing to wait for. */
  #isWarm(cluster: string): boolean {
    if (this.#warming.has(cluster)) return false;
    const subscription = this.#types.get("cluster")?.subscription;
    if (subscription?.pending.get(cluster) !== "nothing") return true;
    return wantedResource(subscription, this.#set, cluster) === undefined;
  }

  #oweEndpoints(clusters: readonly Resource[]): void {
    const endpoints = this.#types.get("endpoint")?.subscription;
    if (endpoints === undefined) return;
    for (const cluster of clusters) {
      for (const need of cluster.needs) {
        if (need.type !== "endpoint" || !endpoints.names.has(need.name)) continue;
        this.#areEndpointsOwed = true;
        // As if asked for: what is gone from the set is then said at once, since the cluster warms until it hears.
        endpoints.pending.set(need.name, "nothing");
      }
    }
  }
}

export interface Verdict {
  readonly resources: readonly Resource[];
  /** Empty where any of several may be bad, and where all were taken. */
  readonly refused: readonly RefusedResource[];
}

/** What takes the place of a refused version takes that of what the client has instead. */
function replaceRefused(state: TypeState, before: ResourceSet, after: ResourceSet): void {
  const { subscription, refused } = state;
  for (const [name, version] of refused) {
    if (subscription.pending.has(name)) continue;
    const isRefused = (set: ResourceSet) => wantedResource(subscription, set, name)?.version === version;
    if (isRefused(before) && !isRefused(after)) subscription.pending.set(name, inUseOf(state, name));
  }
}

function readRefusal({ resources }: UnansweredResponse, detail: string): ToldRefusal {
  const named = resources.length === 1 ? resources : namedIn(detail, resources);
  const names = named.length === 0 ? undefined : new Set(named.map(({ name }) => name));
  return { names, areOthersTaken: isAfterDecoding(detail) };
}

interface OpenResponse {
  readonly resources: PlannedResource[];
  readonly removed: string[];
}

const dependantTypes: ReadonlySet<ResourceType> = new Set(
  resourceTypes.flatMap((type) => rulesOf(type).dependants),
);
