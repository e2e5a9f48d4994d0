// What a rule is translated for.

export type Transport = "http" | "tcp";

export interface RuleContext {
  readonly transport: Transport;
  /** The policy's. */
  readonly namespace: string;
  readonly trustDomains: readonly string[];
}
