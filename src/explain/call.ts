// A call as a proxy's filters see it: who calls, from where, whom, and for what. What nobody said is left open.

import type { Fact } from "./truth.ts";

export interface Call {
  readonly peer: Peer;
  /** Of the connection's other end. */
  readonly sourceIp: Fact<string>;
  /** Of the pod that is called. */
  readonly destinationIp: Fact<string>;
  /** Of the pod, not of a Service. */
  readonly destinationPort: number;
  /** What the caller named in TLS; empty without TLS. */
  readonly serverName: Fact<string>;
  /** Absent for a connection of bytes. */
  readonly request?: HttpRequest;
}

/** Who the connection proves the caller to be. */
export type Peer =
  | { readonly kind: "anonymous" }
  /** By mTLS. `names`: its URIs, such as `spiffe://cluster.local/ns/shop/sa/web`, its DNS names and its subject. */
  | { readonly kind: "certificate"; readonly names: Fact<readonly string[]> };

export interface HttpRequest {
  readonly method: Fact<string>;
  /** The host, with its port where the caller names one. */
  readonly authority: Fact<string>;
  /** With its query. */
  readonly path: Fact<string>;
  /** By name in lower case; a header that isn't among them isn't sent. Unknown: any may be. */
  readonly headers: Fact<ReadonlyMap<string, string>>;
}

/** What filters have learned of a call, by filter and key, as Envoy's dynamic metadata; undefined: not known. */
export type DynamicMetadata = ReadonlyMap<string, Fact<Readonly<Record<string, unknown>>>>;

export interface SeenCall extends Call {
  readonly metadata: DynamicMetadata;
}

/** Headers that proxies on the way add, so that nobody who calls can say what they hold. */
export function isProxyHeader(name: string): boolean {
  return /^(x-forwarded-(proto|client-cert)|x-request-id|x-envoy-.*|x-b3-.*|traceparent)$/.test(name);
}
