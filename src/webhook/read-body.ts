// Reads bodies of requests into memory, within bounds for each and for all together. Never waits for more than it takes.

import type { IncomingMessage } from "node:http";

export type Body =
  | { readonly kind: "read"; readonly bytes: Buffer }
  | { readonly kind: "refused"; readonly status: 400 | 413 | 429; readonly reason: string };

export type ReadBody = (request: IncomingMessage) => Promise<Body>;

export interface BodyBounds {
  readonly maxBodyBytes: number;
  readonly maxBytesInFlight: number;
}

export function createBodyReader({ maxBodyBytes, maxBytesInFlight }: BodyBounds): ReadBody {
  let inFlightBytes = 0;
  return async (request) => {
    const chunks: Buffer[] = [];
    let byteCount = 0;
    try {
      for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        byteCount += chunk.byteLength;
        inFlightBytes += chunk.byteLength;
        if (byteCount > maxBodyBytes) return refused(413, `The body is larger than ${maxBodyBytes} bytes`);
        if (inFlightBytes > maxBytesInFlight) return refused(429, "Too much is being read already");
        chunks.push(chunk);
      }
      return { kind: "read", bytes: Buffer.concat(chunks, byteCount) };
    } catch {
      return refused(400, "The body ended too early");
    } finally {
      inFlightBytes -= byteCount;
    }
  };
}

function refused(status: 400 | 413 | 429, reason: string): Body {
  return { kind: "refused", status, reason };
}
