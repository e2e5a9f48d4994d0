import assert from "node:assert/strict";
import { test } from "node:test";
import type { NamedRule } from "../../explain/decision.ts";
import type { PodVerdict } from "./pod-verdicts.ts";
import { verdictText } from "./verdict-text.ts";

const rule: NamedRule = {
  name: "ns[shop]-policy[web]-rule[1]",
  parsed: { policy: { namespace: "shop", name: "web" }, rule: 1 },
};

function verdict(given: Partial<PodVerdict>): PodVerdict {
  const none = { namespace: "shop", pod: "web-1", port: 8080, steps: [] } as const;
  return { ...none, verdict: "allowed", reason: { kind: "no-policy" }, ...given };
}

test("verdictText() names the rule that decides, and its place", () => {
  const cases: readonly (readonly [Partial<PodVerdict>, string])[] = [
    [
      { verdict: "denied", reason: { kind: "rule", action: "DENY", rule }, location: "a.yaml:3:5" },
      "denied by rules[1] of AuthorizationPolicy shop/web, action DENY (a.yaml:3:5)\n",
    ],
    [
      { verdict: "denied", reason: { kind: "rule", action: "DENY", rule: { name: "refused-shop-web" } } },
      'denied by "refused-shop-web", which stands for a policy that can\'t be enforced, action DENY\n',
    ],
    [
      { verdict: "denied", reason: { kind: "no-match", rules: [rule, rule] } },
      "denied: no rule of the workload's ALLOW policies matches (shop/web)\n",
    ],
    [
      { verdict: "depends", reason: { kind: "provider", provider: "opa", rule } },
      "depends on the provider opa, which rules[1] of AuthorizationPolicy shop/web asks\n",
    ],
    [
      { verdict: "depends", reason: { kind: "open", needs: ["the path", "the token"], rules: [rule] } },
      "depends on the path and the token: rules[1] of AuthorizationPolicy shop/web\n",
    ],
    [
      { verdict: "denied", reason: { kind: "mutual-tls-only" } },
      "denied: port 8080 takes mTLS only, and the caller has no certificate of the mesh\n",
    ],
  ];
  for (const [given, text] of cases) assert.equal(verdictText([verdict(given)]), text);
});

test("verdictText() says once what all pods say, and names pods where they differ", () => {
  const closed = verdict({ pod: "web-2", verdict: "denied", reason: { kind: "path-refused" } });
  assert.equal(verdictText([verdict({}), verdict({ pod: "web-3" })]).split("\n").length, 2);
  assert.equal(
    verdictText([verdict({}), closed, verdict({ pod: "web-3" })]),
    [
      "web-1.shop, web-3.shop: allowed: the workload has no ALLOW policy, and no other policy denies it",
      "web-2.shop: denied: the path is refused before any policy sees it",
      "",
    ].join("\n"),
  );
});

test("verdictText() tells audits, dry runs and filters that it doesn't know", () => {
  const steps: PodVerdict["steps"] = [
    { slot: "meltemi.http.authorization", action: "AUDIT", result: "passes", matched: rule.name },
    {
      slot: "meltemi.http.authorization",
      action: "DENY",
      result: "denies",
      matched: rule.name,
      isDryRun: true,
    },
    { slot: "meltemi.http.authorization", action: "ALLOW", result: "denies", isDryRun: true },
    { slot: "wasm", action: "UNKNOWN", result: "unknown" },
  ];
  assert.deepEqual(
    verdictText([verdict({ steps })])
      .split("\n")
      .slice(1, -1),
    [
      "  audited by ns[shop]-policy[web]-rule[1]",
      "  dry run: ns[shop]-policy[web]-rule[1] would deny it",
      "  dry run: policies of the action ALLOW would deny it",
      '  the filter "wasm" may decide too: what it does isn\'t known here',
    ],
  );
});
