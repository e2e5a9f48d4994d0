// Requests that a client sends before it is settled who or what it is, up to a bound.

import { GrpcError } from "../grpc/status.ts";
import type { XdsRequest } from "./stream-protocol.ts";

export interface HeldRequest<Request extends XdsRequest> {
  readonly request: Request;
  /** As it came. */
  readonly bytes: number;
}

export interface HeldRequests<Request extends XdsRequest> extends Iterable<HeldRequest<Request>> {
  /** Throws for more than a client asks before its first answer. The first may be as large as any. */
  add(next: HeldRequest<Request>): void;
}

// A client waits for answers before it asks much; one that doesn't is no Envoy.
const MAX_COUNT = 64;

export function createHeldRequests<Request extends XdsRequest>(maxBytes: number): HeldRequests<Request> {
  const held: HeldRequest<Request>[] = [];
  let heldBytes = 0;
  return {
    add(next) {
      const isTooMuch = held.length > 0 && heldBytes + next.bytes > maxBytes;
      if (isTooMuch || held.length >= MAX_COUNT)
        throw new GrpcError("RESOURCE_EXHAUSTED", "Too many requests before the first answer");
      held.push(next);
      heldBytes += next.bytes;
    },
    [Symbol.iterator]: () => held[Symbol.iterator](),
  };
}
