import assert from "node:assert/strict";
import { test } from "node:test";
import { routingClaim } from "./routing-claim.ts";

test("routingClaim() reads both separators, in any case of the prefix", () => {
  const cases: readonly (readonly [string, readonly string[] | undefined])[] = [
    ["@request.auth.claims.admin", ["admin"]],
    ["@request.auth.claims.group.id", ["group", "id"]],
    ["@request.auth.claims[group][id]", ["group", "id"]],
    ["@request.auth.claims[https://example.com/role]", ["https://example.com/role"]],
    ["@Request.Auth.Claims[Admin]", ["Admin"]],
    ["@request.auth.claims.[a]", ["[a]"]],
    ...[
      "@request.auth.claims",
      "@request.auth.claims.",
      "@request.auth.claims[]",
      "@request.auth.claims[a",
    ].map((name) => [name, undefined] as const),
    ["@request.auth.claims-admin", undefined],
    ["x-@request.auth.claims.admin", undefined],
    ["x-admin", undefined],
  ];
  for (const [name, wanted] of cases) assert.deepEqual(routingClaim(name), wanted, name);
});
