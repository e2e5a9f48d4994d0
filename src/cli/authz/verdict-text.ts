// Verdicts as sentences: what, by which rule of which policy, and where that is written.

import { assertNever } from "../../core/assert-never.ts";
import type { NamedRule, Step } from "../../explain/decision.ts";
import type { PodVerdict } from "./pod-verdicts.ts";

/** One sentence for all pods that say the same; their names come before it where they differ. */
export function verdictText(verdicts: readonly PodVerdict[]): string {
  const bySentence = new Map<string, PodVerdict[]>();
  for (const verdict of verdicts) {
    const text = [sentence(verdict), ...remarks(verdict)].join("\n");
    bySentence.set(text, [...(bySentence.get(text) ?? []), verdict]);
  }
  const names = (group: readonly PodVerdict[]) => group.map(({ pod, namespace }) => `${pod}.${namespace}`);
  return [...bySentence]
    .map(([text, group]) => (bySentence.size === 1 ? `${text}\n` : `${names(group).join(", ")}: ${text}\n`))
    .join("");
}

function sentence({ verdict, reason, location, port }: PodVerdict): string {
  const place = location === undefined ? "" : ` (${location})`;
  switch (reason.kind) {
    case "no-proxy":
      return "allowed: the pod has no proxy, so no policy is enforced";
    case "no-policy":
      return "allowed: the workload has no ALLOW policy, and no other policy denies it";
    case "rule":
      return `${verdict} by ${ruleText(reason.rule)}, action ${reason.action}${place}`;
    case "no-match":
      return `denied: no rule of the workload's ALLOW policies matches${listed(reason.rules)}`;
    case "token":
      return `denied: ${reason.fault}`;
    case "provider": {
      const by = reason.rule === undefined ? "" : `, which ${ruleText(reason.rule)} asks${place}`;
      return `depends on the provider ${reason.provider}${by}`;
    }
    case "mutual-tls-only":
      return `denied: port ${port} takes mTLS only, and the caller has no certificate of the mesh`;
    case "no-listener":
      return "depends on the proxy: it has no inbound listener, so it isn't ready yet";
    case "no-server":
      return `denied: the gateway has no server at port ${port} that takes such a call`;
    case "no-route":
      return "denied: no policy denies it, but the gateway has no route for it (404)";
    case "redirect":
      return "denied: the gateway sends it to HTTPS";
    case "path-refused":
      return "denied: the path is refused before any policy sees it";
    case "open":
      return `depends on ${listText(reason.needs)}${reason.rules.length === 0 ? "" : `: ${reason.rules.map(ruleText).join(", ")}`}${place}`;
    case "closed":
      return "denied: the connection isn't forwarded, since not all rules can be said of it before its server speaks";
    default:
      return assertNever(reason);
  }
}

function ruleText({ name, parsed }: NamedRule): string {
  if (name.startsWith("refused-")) return `"${name}", which stands for a policy that can't be enforced`;
  if (parsed === undefined) return `the rule "${name}"`;
  const { policy, rule } = parsed;
  return `rules[${rule}] of AuthorizationPolicy ${policy.namespace}/${policy.name}`;
}

function listed(rules: readonly NamedRule[]): string {
  const policies = rules.map(({ name, parsed }) =>
    parsed === undefined ? name : `${parsed.policy.namespace}/${parsed.policy.name}`,
  );
  return policies.length === 0 ? "" : ` (${[...new Set(policies)].join(", ")})`;
}

function listText(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

/** What doesn't decide: the route, audits, dry runs, and filters that only their makers know. */
function remarks({ steps, route }: PodVerdict): readonly string[] {
  const routed = route === undefined ? [] : [`  routed by ${routeText(route)}`];
  const told = steps.flatMap((step) => {
    if (step.result === "unknown")
      return [`  the filter "${step.slot}" may decide too: what it does isn't known here`];
    if (step.isDryRun) return dryRunRemark(step);
    const isAudited = step.action === "AUDIT" && step.matched !== undefined;
    return isAudited ? [`  audited by ${step.matched}`] : [];
  });
  return [...routed, ...told];
}

/** `http[0] of VirtualService shop/web` */
function routeText(route: string): string {
  const [, kind, namespace, name, path] = /^([^/]+)\/([^/]+)\/(\S+) spec\.(\S+)$/.exec(route) ?? [];
  return kind === undefined ? route : `${path} of ${kind} ${namespace}/${name}`;
}

function dryRunRemark({ action, result, matched }: Step): readonly string[] {
  const by = matched === undefined ? `policies of the action ${action}` : matched;
  if (result === "denies") return [`  dry run: ${by} would deny it`];
  if (result === "depends") return [`  dry run: ${by} might deny it`];
  return matched === undefined ? [] : [`  dry run: ${by} matches it`];
}
