import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { meshFixture } from "../../../tests/support/mesh-fixture.ts";
import { declareProblems } from "./problems.ts";

const GATEWAY = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { namespace: shop, name: edge }
spec: { selector: { app: edge }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }] }
---
apiVersion: v1
kind: Pod
metadata: { namespace: shop, name: edge-1, labels: { app: edge } }
spec: { containers: [{ name: proxy, image: auto }] }
status: { phase: Running, podIP: 10.244.0.9 }
---
apiVersion: v1
kind: Service
metadata: { namespace: shop, name: web }
spec: { selector: { app: web }, ports: [{ name: http, port: 80 }] }
`;
const CLAIM = { "@request.auth.claims.admin": { exact: "true" } };

describe("checkClaimRoutes()", () => {
  test("tells of a gateway's pod that checks no tokens", () => {
    assert.deepEqual(problemsOf(routes({ headers: CLAIM })), [
      `MLT2025 spec.http[0].match[0].headers: Cannot route by a token's claims at Gateway "edge": no RequestAuthentication is for its pod "shop/edge-1"`,
    ]);
    assert.equal(problemsOf(routes({ withoutHeaders: CLAIM })).length, 1);
  });

  test("is silent where a policy is for the pod, and where no route depends on claims", () => {
    assert.deepEqual(problemsOf(`${routes({ headers: CLAIM })}${policy({ app: "edge" })}`), []);
    assert.equal(problemsOf(`${routes({ headers: CLAIM })}${policy({ app: "other" })}`).length, 1);
    assert.deepEqual(problemsOf(routes({ headers: { admin: { exact: "true" } } })), []);
  });
});

function problemsOf(yaml: string): readonly string[] {
  const { graph, sources, model, put } = meshFixture();
  const problems = declareProblems(graph, sources, model);
  put(`${GATEWAY}${yaml}`);
  return [...problems.entries()].flatMap(([, found]) =>
    found.map(({ code, path, message }) => `${code} ${path}: ${message}`),
  );
}

function routes(match: object): string {
  return `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { namespace: shop, name: web }
spec:
  hosts: [web.example.com]
  gateways: [edge]
  http: [{ match: [${JSON.stringify(match)}], route: [{ destination: { host: web } }] }]
`;
}

function policy(labels: object): string {
  return `---
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { namespace: shop, name: edge }
spec: { selector: { matchLabels: ${JSON.stringify(labels)} }, jwtRules: [{ issuer: a, jwks: '{"keys":[{"kty":"oct","k":"eA"}]}' }] }
`;
}
