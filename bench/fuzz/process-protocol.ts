// What the fuzz and the process that it attacks tell each other over IPC.

export type Question =
  | { readonly kind: "change"; readonly round: number }
  /** Collects garbage first. */
  | { readonly kind: "usage" };

export type Report = Ready | Usage;

export interface Ready {
  readonly kind: "ready";
  readonly plaintextPort: number;
  readonly tlsPort: number;
  readonly sdsPath: string;
  /** Of a ServiceAccount, as the certificate service takes it. */
  readonly token: string;
}

export interface Usage {
  readonly kind: "usage";
  readonly heapBytes: number;
  readonly rssBytes: number;
  readonly peakRssBytes: number;
  /** Errors that the servers logged, the first few in full: each is a mistake of ours. */
  readonly errorCount: number;
  readonly errors: readonly string[];
}
