// TLS of both sides: what our side shows and whom it trusts. Keys are only passed through, never kept or logged.

import type { SecureContextOptions } from "node:tls";

export interface TlsIdentity {
  /** PEM: the certificate and its intermediates. */
  readonly certificate: string;
  /** PEM of the private key. */
  readonly key: string;
}

export interface ServerTls extends TlsIdentity {
  /** PEM of the roots that client certificates are verified against. */
  readonly clientRoots?: string;
  /** `optional` (the default where roots are given): a client may show none, but a wrong one is refused. */
  readonly clientCertificates?: "none" | "optional" | "required";
}

export function secureContextOptions(tls: Partial<TlsIdentity>, roots?: string): SecureContextOptions {
  return {
    ...(tls.certificate === undefined ? {} : { cert: tls.certificate }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    ...(roots === undefined ? {} : { ca: roots }),
    minVersion: "TLSv1.2",
  };
}
