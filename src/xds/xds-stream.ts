// One ADS stream: requests in, responses out in the order that the contract of warming allows. It keeps no resource
// itself, and while the client doesn't read or acknowledge, it keeps differences and not responses.

import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import type { ProvenIdentity } from "../core/stream-identity.ts";
import type { BidiCall, BidiReceiver } from "../grpc/method.ts";
import { GrpcError } from "../grpc/status.ts";
import type {
  GenericAnswer,
  XdsBackend,
  XdsClient,
  XdsConversation,
  XdsJoining,
  XdsMetrics,
  XdsOpening,
  XdsSession,
} from "./backend.ts";
import { createHeldRequests, type HeldRequest, type HeldRequests } from "./held-requests.ts";
import type { InterruptedNodes } from "./interrupted-nodes.ts";
import type { InternedNames } from "./name-set.ts";
import { StreamOrder } from "./order.ts";
import type { ResourceReference, ResourceSet } from "./resource.ts";
import type { ResourceType } from "./resource-type.ts";
import { resourceTypeOf, typeUrlOf } from "./resource-type.ts";
import type { ResponseWriter } from "./response-writer.ts";
import type { StreamProtocol, XdsRequest } from "./stream-protocol.ts";
import type { TurnQueue } from "./turn-queue.ts";
import type { PlannedResponse } from "./type-state.ts";
import { byteLengthOf } from "./wire-writer.ts";

export interface XdsStreamOptions {
  readonly backend: XdsBackend;
  readonly metrics: XdsMetrics;
  readonly clock: Clock;
  readonly cpuNowMs: () => number;
  readonly log: Logger;
  readonly writer: ResponseWriter;
  readonly turns: TurnQueue;
  readonly internedNames: (type: ResourceType) => InternedNames;
  readonly interruptedNodes: InterruptedNodes;
  readonly servesSecrets: boolean;
  readonly owner: ProvenIdentity | undefined;
  readonly clusterWaitMs: number;
  readonly maxUnacknowledgedBytes: number;
  readonly maxSubscribedNames: number;
}

type StreamState<Request extends XdsRequest> =
  | { readonly kind: "new" }
  /** Who the client is isn't settled: requests wait. */
  | { readonly kind: "opening"; readonly held: HeldRequests<Request> }
  /** It hasn't asked for a resource yet. */
  | AcceptedState
  /** What it is isn't settled: requests wait. */
  | {
      readonly kind: "joining";
      readonly conversation: XdsConversation;
      readonly held: HeldRequests<Request>;
    }
  | OpenState
  /** Told so; it is over with the call. */
  | { readonly kind: "refused"; readonly conversation: XdsConversation }
  | { readonly kind: "closed" };

interface AcceptedState {
  readonly kind: "accepted";
  readonly conversation: XdsConversation;
}

interface OpenState {
  readonly kind: "open";
  readonly conversation: XdsConversation;
  readonly session: XdsSession;
  readonly order: StreamOrder;
}

const MAX_GENERIC_IN_PROGRESS = 16;
const MAX_REQUESTS_WAITING = 256;
/** Of requests that are read and not handled yet; the first may be as large as any. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** On average. Names of Istio's form have half of it. */
const MAX_CHARACTERS_PER_NAME = 160;

export class XdsStream<Request extends XdsRequest> implements BidiReceiver {
  readonly #call: BidiCall;
  readonly #protocol: StreamProtocol<Request>;
  readonly #options: XdsStreamOptions;
  readonly #lastNonces = new Map<string, string>();
  #state: StreamState<Request> = { kind: "new" };
  #nodeId = "";
  #nonceCount = 0;
  #genericInProgress = 0;
  #isTransportFull = false;
  #isFlushing = false;
  #isFlushWaiting = false;
  #waitingCount = 0;
  #waitingBytes = 0;
  #cancelWake: () => void = () => undefined;

  constructor(call: BidiCall, protocol: StreamProtocol<Request>, options: XdsStreamOptions) {
    this.#call = call;
    this.#protocol = protocol;
    this.#options = options;
    options.metrics.streamOpened(protocol.name);
  }

  message(bytes: Uint8Array): void {
    const request = this.#protocol.decode(bytes);
    const isTooMuch = this.#waitingBytes > 0 && this.#waitingBytes + bytes.length > MAX_WAITING_BYTES;
    if (isTooMuch || this.#waitingCount >= MAX_REQUESTS_WAITING)
      throw new GrpcError("RESOURCE_EXHAUSTED", "Too many requests at once");
    this.#waitingCount += 1;
    this.#waitingBytes += bytes.length;
    this.#options.turns.take(() => {
      this.#waitingCount -= 1;
      this.#waitingBytes -= bytes.length;
      this.#step(request, bytes.length);
    });
  }

  #step(request: Request, bytes: number): void {
    try {
      if (this.#state.kind === "new") this.#open(request);
      this.#take({ request, bytes });
    } catch (error) {
      this.#endWith(error);
    }
  }

  #endWith(error: unknown): void {
    if (error instanceof GrpcError) this.#call.end(error.status, error.message);
    else this.#fail(error);
  }

  #fail(error: unknown): void {
    this.#options.log.error({ nodeId: this.#nodeId, error }, "xds stream failed");
    this.#call.end("INTERNAL", "The stream failed");
  }

  #take(next: HeldRequest<Request>): void {
    const state = this.#state;
    if (state.kind === "opening" || state.kind === "joining") state.held.add(next);
    else if (state.kind === "accepted" || state.kind === "open") this.#handle(next, state);
  }

  drained(): void {
    this.#isTransportFull = false;
    this.#flush();
  }

  closed(): void {
    const state = this.#state;
    if (state.kind === "closed") return;
    this.#state = { kind: "closed" };
    this.#cancelWake();
    this.#options.metrics.streamClosed(this.#protocol.name);
    if (!("conversation" in state)) return;
    if (state.kind === "open") {
      if (state.order.mayBeWarming()) this.#options.interruptedNodes.add(state.session.clientKey);
      state.order.close();
    }
    state.conversation.closed();
  }

  #open(request: Request): void {
    if (request.node === undefined || request.node.id === "") {
      throw new GrpcError("INVALID_ARGUMENT", "The first request of an xDS stream must name its node");
    }
    const client = describeClient(
      this.#call,
      { ...request, node: request.node },
      this.#protocol,
      this.#options,
    );
    this.#nodeId = client.nodeId;
    const opening = this.#options.backend.open(client, {
      publish: (set, changes) => this.#publish(set, changes),
      standing: (reference) =>
        this.#state.kind === "open" ? this.#state.order.standing(reference) : "unwanted",
      offerAgain: (references) => this.#offerAgain(references),
      close: (status, reason) => this.#call.end(status, reason),
    });
    if (!(opening instanceof Promise)) {
      this.#opened(opening);
      return;
    }
    const held = createHeldRequests<Request>(MAX_WAITING_BYTES);
    this.#state = { kind: "opening", held };
    this.#resume(opening, held, (settled) => {
      if (this.#state.kind === "opening") this.#opened(settled);
      else if (settled.kind === "accepted") settled.conversation.closed();
    });
  }

  #opened(opening: XdsOpening): void {
    if (opening.kind === "refused") this.#call.end(opening.status, opening.message);
    else this.#state = { kind: "accepted", conversation: opening.conversation };
  }

  /**
   * When what was asked of the backend is settled, the requests that came meanwhile are taken: in a turn, since in a storm of
   * connects much is settled at once.
   */
  #resume<Settled>(
    pending: Promise<Settled>,
    held: HeldRequests<Request>,
    settle: (settled: Settled) => void,
  ): void {
    pending.then(
      (settled) =>
        this.#options.turns.take(() => {
          try {
            settle(settled);
            for (const next of held) this.#take(next);
          } catch (error) {
            this.#endWith(error);
          }
        }),
      (error: unknown) => {
        this.#options.log.error({ nodeId: this.#nodeId, error }, "xds client could not be judged");
        this.#call.end("UNAVAILABLE", "The client could not be judged");
      },
    );
  }

  /** Takes the request, at once or when it is settled what the client is. */
  #join(next: HeldRequest<Request>, conversation: XdsConversation): void {
    const joining = conversation.join();
    if (!(joining instanceof Promise)) {
      this.#joined(joining, conversation);
      this.#take(next);
      return;
    }
    const held = createHeldRequests<Request>(MAX_WAITING_BYTES);
    held.add(next);
    this.#state = { kind: "joining", conversation, held };
    this.#resume(joining, held, (settled) => {
      if (this.#state.kind === "joining") this.#joined(settled, conversation);
    });
  }

  #joined(joining: XdsJoining, conversation: XdsConversation): void {
    if (joining.kind === "refused") {
      this.#state = { kind: "refused", conversation };
      this.#call.end(joining.status, joining.message);
      return;
    }
    const { session } = joining;
    const order = new StreamOrder(this.#visible(session.initialSet()), {
      internedNames: this.#options.internedNames,
      emptyResource: (type, name) => session.emptyResource(type, name),
      clusterWaitMs: this.#options.clusterWaitMs,
      maxUnacknowledgedBytes: this.#options.maxUnacknowledgedBytes,
      canRemoveByName: this.#protocol.canRemoveByName,
      wasInterrupted: this.#options.interruptedNodes.take(session.clientKey),
    });
    this.#state = { kind: "open", conversation, session, order };
  }

  #handle(next: HeldRequest<Request>, state: AcceptedState | OpenState): void {
    const type = resourceTypeOf(next.request.typeUrl);
    if (type === undefined) this.#handleGeneric(next.request, state.conversation);
    else if (state.kind === "accepted") this.#join(next, state.conversation);
    else this.#handleType(type, next.request, state);
  }

  #handleType(type: ResourceType, request: Request, { session, order }: OpenState): void {
    const lastNonce = this.#lastNonces.get(request.typeUrl);
    const isFirst = order.subscriptionOf(type) === undefined;
    if (isFirst) session.asked?.(type);
    this.#takeVerdict(type, request, { session, order });
    const nowMs = this.#options.clock.now();
    const names = this.#protocol.subscribe(order, request, { type, isFirst, lastNonce, nowMs });
    this.#refuseTooManyNames(order);
    if (names.length > 0) session.subscribed?.(type, names);
    this.#flush();
  }

  /** What one request may add is bounded already; what a stream holds stays in memory until it ends. */
  #refuseTooManyNames(order: StreamOrder): void {
    const { maxSubscribedNames } = this.#options;
    const { count, characterCount } = order.subscribedNames();
    if (count > maxSubscribedNames) {
      const message = `Cannot hold ${count} subscribed names on one stream: the limit is ${maxSubscribedNames}`;
      throw new GrpcError("RESOURCE_EXHAUSTED", message);
    }
    const maxCharacters = maxSubscribedNames * MAX_CHARACTERS_PER_NAME;
    if (characterCount > maxCharacters) {
      const message = `Cannot hold subscribed names of ${characterCount} characters on one stream: the limit is ${maxCharacters}`;
      throw new GrpcError("RESOURCE_EXHAUSTED", message);
    }
  }

  #takeVerdict(
    type: ResourceType,
    { responseNonce, errorDetail }: Request,
    { session, order }: { readonly session: XdsSession; readonly order: StreamOrder },
  ): void {
    if (responseNonce === "") return;
    const isCumulative = this.#protocol.isVerdictCumulative;
    const verdict = order.recordVerdict(type, responseNonce, { errorDetail, isCumulative });
    if (verdict === undefined) return;
    if (errorDetail === undefined) {
      this.#options.metrics.acknowledged(type);
      session.acknowledged(type, responseNonce, verdict.resources);
    } else {
      this.#options.metrics.rejected(type);
      session.rejected(type, { ...verdict, detail: errorDetail });
    }
  }

  #publish(set: ResourceSet, changes: readonly ResourceReference[] | "all"): void {
    if (this.#state.kind !== "open") return;
    this.#state.order.publish(this.#visible(set), changes === "all" ? "all" : namesByType(changes));
    this.#flush();
  }

  #offerAgain(references: readonly ResourceReference[]): void {
    if (this.#state.kind !== "open") return;
    this.#state.order.offerAgain(references);
    this.#flush();
  }

  #flush(): void {
    if (this.#isFlushWaiting) return;
    this.#isFlushWaiting = true;
    this.#options.turns.take(() => {
      this.#isFlushWaiting = false;
      this.#flushNow();
    });
  }

  /** Sends all that may go now. What fails here ends this stream alone: publishers and timers have others to serve. */
  #flushNow(): void {
    const state = this.#state;
    // A session that publishes from within `sent` must not start a round inside this one.
    if (state.kind !== "open" || this.#isTransportFull || this.#isFlushing) return;
    this.#isFlushing = true;
    try {
      const startMs = this.#options.cpuNowMs();
      const isInStep = this.#sendRound(state);
      state.session.tookTurn?.({ cpuMs: this.#options.cpuNowMs() - startMs, isInStep });
    } catch (error) {
      this.#fail(error);
    }
    this.#isFlushing = false;
  }

  /**
   * It stops for a full transport only between rounds: a cluster's endpoints go with it. Returns whether the client is in
   * step.
   */
  #sendRound(state: OpenState): boolean {
    this.#cancelWake();
    const nowMs = this.#options.clock.now();
    for (let next = state.order.next(nowMs); next !== undefined; next = state.order.next(nowMs)) {
      this.#send(next, state);
    }
    const wakeAtMs = state.order.wakeAtMs(nowMs);
    if (wakeAtMs === undefined) return state.order.isAnswered();
    this.#cancelWake = this.#options.clock.after(wakeAtMs - nowMs, () => this.#flush());
    return false;
  }

  #send(planned: PlannedResponse, { session, order }: OpenState): void {
    const { type } = planned;
    const typeUrl = typeUrlOf(type);
    const nonce = this.#nextNonce(typeUrl);
    const unanswered = order.recordSent(planned, nonce);
    const fragments = this.#protocol.encode(this.#options.writer, order, { typeUrl, nonce, planned });
    const bytes = byteLengthOf(fragments);
    unanswered.bytes = bytes;
    if (!this.#call.write(fragments)) this.#isTransportFull = true;
    const response = { resourceCount: planned.resources.length, removedCount: planned.removed.length, bytes };
    this.#options.metrics.pushed(type, response);
    session.sent?.(type, nonce, response);
  }

  #handleGeneric(request: Request, conversation: XdsConversation): void {
    if (conversation.generic === undefined || this.#genericInProgress >= MAX_GENERIC_IN_PROGRESS) return;
    this.#genericInProgress += 1;
    const { typeUrl, errorDetail } = request;
    const names = this.#protocol.namesOf(request);
    // Istio's own tools put a nonce of their making into their first request: it acknowledges nothing.
    const responseNonce = this.#lastNonces.has(typeUrl) ? request.responseNonce : "";
    Promise.resolve(conversation.generic({ typeUrl, names, responseNonce, errorDetail })).then(
      (answer) => this.#sendGeneric(typeUrl, answer),
      (error: unknown) => {
        this.#genericInProgress -= 1;
        this.#options.log.error({ typeUrl, error }, "generic xds request failed");
      },
    );
  }

  #sendGeneric(typeUrl: string, answer: GenericAnswer | undefined): void {
    this.#genericInProgress -= 1;
    if (answer === undefined || this.#state.kind === "closed") return;
    const nonce = this.#nextNonce(typeUrl);
    const fragments = this.#protocol.encodeGeneric(this.#options.writer, answer, { typeUrl, nonce });
    if (!this.#call.write(fragments)) this.#isTransportFull = true;
  }

  #nextNonce(typeUrl: string): string {
    this.#nonceCount += 1;
    const nonce = String(this.#nonceCount);
    this.#lastNonces.set(typeUrl, nonce);
    return nonce;
  }

  #visible(set: ResourceSet): ResourceSet {
    return this.#options.servesSecrets ? set : withoutSecrets(set);
  }
}

function describeClient<Request extends XdsRequest>(
  call: BidiCall,
  request: Request & { readonly node: NonNullable<Request["node"]> },
  protocol: StreamProtocol<Request>,
  { servesSecrets, owner }: XdsStreamOptions,
): XdsClient {
  const { certificate, remoteAddress } = call.peer;
  return {
    nodeId: request.node.id,
    node: request.node,
    peer: certificate === undefined ? undefined : { certificate },
    owner,
    protocol: protocol.name,
    remoteAddress,
    servesSecrets,
    metadata: (name) => call.metadata(name),
  };
}

function withoutSecrets(set: ResourceSet): ResourceSet {
  return {
    get: (type, name) => (type === "secret" ? undefined : set.get(type, name)),
    names: (type) => (type === "secret" ? [] : set.names(type)),
    ...(set.lists === undefined ? {} : { lists: set.lists.bind(set) }),
    ...(set.standIns === undefined ? {} : { standIns: set.standIns.bind(set) }),
  };
}

function namesByType(changes: readonly ResourceReference[]): ReadonlyMap<ResourceType, Iterable<string>> {
  const names = new Map<ResourceType, Set<string>>();
  for (const { type, name } of changes) {
    const ofType = names.get(type) ?? new Set<string>();
    names.set(type, ofType.add(name));
  }
  return names;
}
