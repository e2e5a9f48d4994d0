// What this room asks of the one behind it: who may connect, which set a client gets, what became of it.
// Backends never see gRPC or protocol variants; this room never sees what a resource means.

import type { PeerCertificate } from "node:tls";
import type { ProvenIdentity } from "../core/stream-identity.ts";
import type { GrpcStatus } from "../grpc/status.ts";
import type { Resource, ResourceReference, ResourceSet } from "./resource.ts";
import type { ResourceType } from "./resource-type.ts";

export type XdsProtocol = "delta" | "state-of-the-world";

/** The client's own words about itself, decoded; nothing of it is proven. */
export interface XdsNode {
  readonly id: string;
  readonly cluster: string;
  /** The metadata Struct as JSON. */
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly locality: { readonly region: string; readonly zone: string; readonly subZone: string };
  readonly userAgentName: string;
  /** `1.40.0`, or empty. */
  readonly userAgentVersion: string;
}

export interface XdsClient {
  readonly nodeId: string;
  readonly node: XdsNode;
  /** The verified certificate, if one was shown. */
  readonly peer: { readonly certificate: PeerCertificate } | undefined;
  /** Who alone can reach the listener that the stream came by, where that is one pod. */
  readonly owner: ProvenIdentity | undefined;
  readonly protocol: XdsProtocol;
  readonly remoteAddress: string | undefined;
  /** False on a plaintext listener: whatever the set holds, this client gets no secret. */
  readonly servesSecrets: boolean;
  /** Request metadata, such as `authorization`. */
  metadata(name: string): string | undefined;
}

export interface XdsStreamHandle {
  /**
   * Puts a new set in the place of the last. `changes` names what differs (added, changed or gone), by every name
   * under which it can be got; what isn't named is taken to be the same. `all` compares the sets.
   */
  publish(set: ResourceSet, changes: readonly ResourceReference[] | "all"): void;
  /** How far the client is with a resource of the set that it was given last. */
  standing(reference: ResourceReference): Standing;
  /** Sends refused versions of these once more: the cause may be gone. */
  offerAgain(references: readonly ResourceReference[]): void;
  close(status: GrpcStatus, reason: string): void;
}

/**
 * `in-use`: acknowledged at the set's version, or known to be there since a reconnect. `on-its-way`: to be sent, or sent
 * and not answered. `refused`: the version before it stays in use. `unwanted`: not asked for, or not in the set.
 */
export type Standing = "in-use" | "on-its-way" | "refused" | "unwanted";

/** A stream whose client may speak. It is no proxy before it asks for a resource. */
export interface XdsConversation {
  /** The client's first request for a type of this room. Asked once; until it is settled, requests wait. */
  join(): XdsJoining | Promise<XdsJoining>;
  /** Answers a type that isn't of this room (a debug type): nothing sends nothing. */
  generic?(request: GenericRequest): GenericAnswer | undefined | Promise<GenericAnswer | undefined>;
  /** The stream has ended, whether or not it had joined. */
  closed(): void;
}

export interface XdsSession {
  /** The set that the stream starts with; asked once. */
  initialSet(): ResourceSet;
  /** By which the client is known again when it comes back: proven as far as anything of it is. */
  readonly clientKey: string;
  /** The client's first request for a type. */
  asked?(type: ResourceType): void;
  /** The client asked for more names, or for all (`*`). */
  subscribed?(type: ResourceType, names: readonly string[]): void;
  /**
   * Stands in for a resource that was asked for by name and isn't in the set: an empty RouteConfiguration, without
   * which an Envoy stays INITIALIZING; for state of the world also an empty ClusterLoadAssignment, since a removal can't be
   * said there. For a VHDS subscription without a virtual host it is asked for `virtual-host` and `*`.
   */
  emptyResource(type: ResourceType, name: string): Resource | undefined;
  /** Resources sent under `nonce` are in use; of clusters it says that they are warm. */
  acknowledged(type: ResourceType, nonce: string, resources: readonly SentResource[]): void;
  /**
   * The client refused a response. This stream doesn't offer a refused version again, except once each time that
   * something changes which may have been the cause, or when told by `offerAgain`.
   */
  rejected(type: ResourceType, refusal: RefusedResponse): void;
  /** After each response. */
  sent?(type: ResourceType, nonce: string, response: SentResponse): void;
  /** After each turn of the stream, in which any number of responses were sent. */
  tookTurn?(turn: StreamTurn): void;
}

export interface StreamTurn {
  /** CPU time of planning and encoding. */
  readonly cpuMs: number;
  /** Everything that the client is to have was sent and answered. */
  readonly isInStep: boolean;
}

export interface SentResource {
  readonly name: string;
  readonly version: string;
}

export interface RefusedResponse {
  readonly resources: readonly SentResource[];
  /** Those at fault. Empty where any of several may be: they are sent again in smaller responses, until it is known. */
  readonly refused: readonly RefusedResource[];
  /** The client's own words, as one line. */
  readonly detail: string;
}

export interface RefusedResource {
  readonly resource: Resource;
  /** What the client goes on using. */
  readonly inUse: Held;
}

/** What a client has of a name: a resource as it was sent, something we don't know, or nothing. */
export type Held = Resource | "unknown" | "nothing";

export interface SentResponse {
  readonly resourceCount: number;
  readonly removedCount: number;
  readonly bytes: number;
}

export interface GenericRequest {
  readonly typeUrl: string;
  readonly names: readonly string[];
  /** Nonce of the answer that this request acknowledges or refuses, if it does. */
  readonly responseNonce: string;
  readonly errorDetail: string | undefined;
}

export interface GenericAnswer {
  readonly version: string;
  /** Who answers, for people who ask several. */
  readonly controlPlane?: string;
  readonly resources: readonly GenericResource[];
}

export interface GenericResource {
  readonly name: string;
  /** Of the message; it needn't be the type that was asked for. */
  readonly typeUrl: string;
  readonly body: readonly Uint8Array[];
}

export interface XdsRefusal {
  readonly kind: "refused";
  readonly status: Exclude<GrpcStatus, "OK">;
  readonly message: string;
}

export type XdsOpening = { readonly kind: "accepted"; readonly conversation: XdsConversation } | XdsRefusal;

export type XdsJoining = { readonly kind: "joined"; readonly session: XdsSession } | XdsRefusal;

export interface XdsBackend {
  /** Called with the first request of a stream, which alone is sure to say who the client is. */
  readonly open: (client: XdsClient, stream: XdsStreamHandle) => XdsOpening | Promise<XdsOpening>;
}

/** Counters, called for every event; a metrics room may stand behind them. */
export interface XdsMetrics {
  streamOpened(protocol: XdsProtocol): void;
  streamClosed(protocol: XdsProtocol): void;
  pushed(type: ResourceType, response: SentResponse): void;
  acknowledged(type: ResourceType): void;
  rejected(type: ResourceType): void;
}
