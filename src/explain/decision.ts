// What a proxy's filters come to for a call, and what each of them said.

import type { RuleAction } from "./rbac-rules.ts";
import type { RuleName } from "./rule-name.ts";

export interface Decision {
  /** `depends`: on what isn't known of the call, or on somebody who is asked. */
  readonly verdict: "allowed" | "denied" | "depends";
  readonly reason: Reason;
  /** In the order of the filters. */
  readonly steps: readonly Step[];
  /** At a gateway, what the route of a request that is let in was made of: `VirtualService/shop/web spec.http[0]`. */
  readonly route?: string;
}

/** What decides. Rules are named as in Envoy, and parsed where they are of the mesh's own form. */
export type Reason =
  /** Nothing forbids it and no ALLOW policy is there. */
  | { readonly kind: "no-policy" }
  | { readonly kind: "rule"; readonly action: RuleAction; readonly rule: NamedRule }
  /** ALLOW policies are there, and none of their rules matches. `rules`: those looked at. */
  | { readonly kind: "no-match"; readonly rules: readonly NamedRule[] }
  | { readonly kind: "token"; readonly fault: string }
  | { readonly kind: "provider"; readonly provider: string; readonly rule?: NamedRule }
  /** Before any policy: the port takes mTLS only. */
  | { readonly kind: "mutual-tls-only" }
  /** The proxy takes no inbound calls: it hasn't got its listeners yet. */
  | { readonly kind: "no-listener" }
  | { readonly kind: "path-refused" }
  /** A gateway has no server for such a connection. */
  | { readonly kind: "no-server" }
  /** No policy keeps it out, and a gateway has no route for it, or sends it to HTTPS. */
  | { readonly kind: "no-route" }
  | { readonly kind: "redirect" }
  /** On these facts. */
  | { readonly kind: "open"; readonly needs: readonly string[]; readonly rules: readonly NamedRule[] }
  /** A connection of bytes isn't forwarded, by a condition that stands for the policies. */
  | { readonly kind: "closed" };

export interface NamedRule {
  readonly name: string;
  readonly parsed?: RuleName;
}

export interface Step {
  /** The slot that holds the filter, or the filter's own name. */
  readonly slot: string;
  readonly action: RuleAction | "CUSTOM" | "JWT" | "FORWARD" | "UNKNOWN";
  readonly result: "passes" | "denies" | "depends" | "asks" | "unknown";
  /** Only counts. */
  readonly isDryRun?: true;
  readonly matched?: string;
  readonly fault?: string;
  readonly needs?: readonly string[];
}
