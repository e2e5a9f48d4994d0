// Policies as a workload may have many of: half of them deny a path to all but one caller, half allow a path to one. The
// request that is measured is allowed by the last, and denied by none.

import type { AuthorizationPolicy } from "../../src/kinds/authorization-policy/authorization-policy.ts";
import { type PolicySet, policiesOf, type Written } from "../../tests/protocol/authorization/policy-set.ts";

export const ALLOWED_PATH = "/measured/request";

/** An even number of them, or none. */
export function madeUpPolicies(count: number): readonly AuthorizationPolicy[] {
  const halves = Array.from({ length: count / 2 }, (_, index) => index);
  return policiesOf([...halves.map(denial), ...halves.map((index) => allowance(index, halves.length))]);
}

/** Names that no policy uses: for places that need them. */
export const NO_PLACE: PolicySet["place"] = {
  addresses: ["127.0.0.1", "127.0.0.2"],
  httpPorts: [0, 0],
  tcpPort: 0,
};

function denial(index: number): Written {
  return {
    action: "DENY",
    rules: [
      {
        from: [{ source: { notPrincipals: [`corp/ns/team-${index}/sa/admin`] } }],
        to: [{ operation: { paths: [`/admin/${index}/*`] } }],
      },
    ],
  };
}

function allowance(index: number, count: number): Written {
  const isLast = index === count - 1;
  return {
    action: "ALLOW",
    rules: [
      {
        from: [{ source: { principals: [isLast ? "corp/ns/shop/sa/web" : `corp/ns/team-${index}/sa/web`] } }],
        to: [{ operation: { methods: ["GET"], paths: [isLast ? "/measured/*" : `/part/${index}/*`] } }],
      },
    ],
  };
}
