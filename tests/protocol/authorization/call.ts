// A call as a workload's proxy sees it: what policies can speak of, and no more.

export type Claim = string | number | boolean | readonly Claim[] | { readonly [name: string]: Claim };

export interface Identity {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

export interface Call {
  readonly transport: "http" | "tcp";
  /** `other`: a certificate that holds no mesh identity; `none`: no certificate. */
  readonly identity: Identity | "other" | "none";
  readonly sourceAddress: string;
  /** Whom the call is for, as X-Forwarded-For says. */
  readonly remoteAddress: string;
  readonly destinationAddress: string;
  readonly destinationPort: number;
  /** Empty where the client names none. */
  readonly serverName: string;
  readonly method: string;
  /** With a query, if it has one. */
  readonly path: string;
  readonly host: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of a valid token. */
  readonly claims?: { readonly [name: string]: Claim };
}

/** What a filter before authorization has said of every HTTP request. */
export const FILTER_METADATA: Readonly<Record<string, { readonly [name: string]: Claim }>> = {
  "envoy.filters.test": { zone: "eu-1", tags: ["blue", "green"] },
};

export function identityText({ trustDomain, namespace, serviceAccount }: Identity): string {
  return `${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
}
