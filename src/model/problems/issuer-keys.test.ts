import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { meshFixture } from "../../../tests/support/mesh-fixture.ts";
import type { IssuerKeys } from "../issuer-keys.ts";
import { declareProblems } from "./problems.ts";

const FETCHED_AT = "2026-01-01T00:00:00.000Z";

describe("checkIssuerKeys()", () => {
  test("says that tokens are refused until the keys were fetched", () => {
    assert.deepEqual(problemsWith(undefined), [
      'info spec.jwtRules[1].jwksUri: The keys of issuer "b" aren\'t fetched yet; until then its tokens are refused',
    ]);
  });

  test("says why keys couldn't be fetched", () => {
    assert.deepEqual(problemsWith({ failure: "connection refused" }), [
      'error spec.jwtRules[1].jwksUri: Cannot fetch the keys of issuer "b": connection refused; its tokens are refused until the keys can be fetched',
    ]);
  });

  test("says how old the keys are that stay in use", () => {
    assert.deepEqual(problemsWith({ jwks: "{}", fetchedAt: FETCHED_AT, failure: "HTTP status 500" }), [
      `warning spec.jwtRules[1].jwksUri: Cannot fetch the keys of issuer "b": HTTP status 500; those of ${FETCHED_AT} are used for up to 7 days`,
    ]);
  });

  test("is silent where the keys are there", () => {
    assert.deepEqual(problemsWith({ jwks: "{}", fetchedAt: FETCHED_AT }), []);
  });
});

function problemsWith(keys: IssuerKeys | undefined): readonly string[] {
  const { graph, sources, model, put } = meshFixture();
  const problems = declareProblems(graph, sources, model);
  put(`
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { namespace: shop, name: web }
spec: { jwtRules: [{ issuer: a, jwks: '{"keys":[{"kty":"oct","k":"eA"}]}' }, { issuer: b, jwksUri: "http://idp/keys" }] }
`);
  const { found } = model.requestAuthentications.issuerKeys;
  if (keys !== undefined) graph.commit((transaction) => transaction.set(found, "jwks http://idp/keys", keys));
  return [...problems.entries()].flatMap(([, ofObject]) =>
    ofObject.map(({ severity, path, message }) => `${severity} ${path}: ${message}`),
  );
}
