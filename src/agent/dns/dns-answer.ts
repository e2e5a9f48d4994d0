// What a DNS question and its answer are, whoever knows the names: the table of a local mesh, or a pod's.

export interface DnsQuestion {
  /** Lower case, without the dot at the end; the root is empty. */
  readonly name: string;
  /** The number of its type: 1 is A. */
  readonly type: number;
}

export const dnsTypes = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  ANY: 255,
} as const;

export type DnsRecord =
  | { readonly type: "A" | "AAAA" | "CNAME" | "PTR"; readonly name: string; readonly data: string }
  | { readonly type: "SRV"; readonly name: string; readonly port: number; readonly target: string };

export type DnsAnswer =
  | {
      readonly kind: "answer";
      /** `NOERROR` without answers: the name exists, and has no such record. */
      readonly code: "NOERROR" | "NXDOMAIN";
      readonly answers: readonly DnsRecord[];
      /** Addresses of the targets of SRV records. */
      readonly additionals: readonly DnsRecord[];
    }
  /** Not ours: to be asked upstream, and put after `answers`, which lead to `name` by CNAME. */
  | {
      readonly kind: "forward";
      readonly name: string;
      readonly answers: readonly DnsRecord[];
      /** It has addresses here: where upstream says NXDOMAIN, it only lacks such a record. Default false. */
      readonly isKnown?: boolean;
    };

/** Settles a question, or says what to ask elsewhere. */
export type ResolveQuestion = (question: DnsQuestion) => DnsAnswer;
