// Where an API server is and how we show who we are; the sources of both are in-cluster files and kubeconfigs.

import type { Redacted } from "../core/redacted.ts";

export interface ApiCredentials {
  readonly bearerToken?: Redacted<string>;
  readonly clientCertificate?: { readonly certificatePem: string; readonly keyPem: Redacted<string> };
}

export interface ApiEndpoint {
  /** May have a path, as behind Rancher; `http:` only for a proxy on this machine. */
  readonly url: URL;
  /** PEM; the system's own roots where undefined. */
  readonly caPem?: string;
  /** The name that its certificate must have, where it isn't the URL's. */
  readonly serverName?: string;
  /** Only where the user's kubeconfig says `insecure-skip-tls-verify`. */
  readonly isServerUnverified?: boolean;
  /** Asked for every request; keeps what it has read for a while itself. */
  credentials(): Promise<ApiCredentials>;
  /** The server refused them: the next call of `credentials` must read anew. */
  forgetCredentials(): void;
}
