// What the two variants of the protocol differ in; the stream itself is the same for both.

import type { GenericAnswer, XdsNode, XdsProtocol } from "./backend.ts";
import type { StreamOrder } from "./order.ts";
import type { ResourceType } from "./resource-type.ts";
import type { ResponseWriter } from "./response-writer.ts";
import type { PlannedResponse } from "./type-state.ts";

export interface XdsRequest {
  readonly typeUrl: string;
  readonly node: XdsNode | undefined;
  readonly responseNonce: string;
  readonly errorDetail: string | undefined;
}

export interface StreamProtocol<Request extends XdsRequest> {
  readonly name: XdsProtocol;
  /** The method of the aggregated service. */
  readonly path: string;
  /** Whether a response can say that a resource of any type is gone. */
  readonly canRemoveByName: boolean;
  /** Whether a verdict on one response covers the older ones of its type. */
  readonly isVerdictCumulative: boolean;
  decode(bytes: Uint8Array): Request;
  /** Names that the request speaks of, for types that aren't of this room. */
  namesOf(request: Request): readonly string[];
  /** Applies what the request says about its subscription; returns the names newly asked for, `*` for all. */
  subscribe(order: StreamOrder, request: Request, context: SubscribeContext): readonly string[];
  /** Encodes a planned response that the order has recorded as sent. */
  encode(writer: ResponseWriter, order: StreamOrder, response: OutgoingResponse): Uint8Array[];
  encodeGeneric(writer: ResponseWriter, answer: GenericAnswer, head: ResponseHead): Uint8Array[];
}

export interface SubscribeContext {
  readonly type: ResourceType;
  /** The first request of its type on the stream. */
  readonly isFirst: boolean;
  /** The nonce of the newest response of this type, if there was one. */
  readonly lastNonce: string | undefined;
  readonly nowMs: number;
}

export interface ResponseHead {
  readonly typeUrl: string;
  readonly nonce: string;
}

export interface OutgoingResponse extends ResponseHead {
  readonly planned: PlannedResponse;
}
