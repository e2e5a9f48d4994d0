// The names of rules in Envoy's RBAC, as logs and metrics show them: `ns[shop]-policy[web]-rule[0]`.

export interface RuleName {
  readonly policy: PolicyName;
  /** From 0, as the policy lists them. */
  readonly rule: number;
  /** Who is asked where the rule matches. */
  readonly provider?: string;
}

export interface PolicyName {
  readonly namespace: string;
  readonly name: string;
}

const FORM = /^(?:istio-ext-authz-(.+)-)?ns\[([^\]]*)\]-policy\[([^\]]*)\]-rule\[(\d+)\]/;

/** Undefined for a name of another form, as an EnvoyFilter may choose. */
export function parseRuleName(text: string): RuleName | undefined {
  const [, provider, namespace, name, rule] = FORM.exec(text) ?? [];
  if (namespace === undefined || name === undefined) return undefined;
  return {
    policy: { namespace, name },
    rule: Number(rule),
    ...(provider === undefined ? {} : { provider }),
  };
}
