import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { startTestApi } from "../../tests/support/api-client.ts";
import { ManualClock } from "../core/clock.ts";
import { redacted } from "../core/redacted.ts";
import { createTokenReviewAuthenticator } from "./token-review-authenticator.ts";

async function ask(t: TestContext, status: object) {
  const { server, client } = await startTestApi(t, new ManualClock());
  server.intercept = () => ({ status: 201, body: { status } });
  const options = { trustDomain: "mesh.example", audiences: ["istio-ca"] };
  const authenticator = createTokenReviewAuthenticator(client, options);
  return { server, authenticator, answer: await authenticator.authenticate({ bearerToken: redacted("t") }) };
}

const user = (username: string) => ({ authenticated: true, audiences: ["istio-ca"], user: { username } });

test("authenticate() takes the identity from the reviewed ServiceAccount", async (t) => {
  const { answer } = await ask(t, user("system:serviceaccount:shop:reviews"));
  assert.deepEqual(answer, {
    kind: "caller",
    caller: {
      proof: "token",
      trustDomain: "mesh.example",
      namespace: "shop",
      serviceAccount: "reviews",
    },
  });
});

test("authenticate() takes the pod that the reviewed token is bound to", async (t) => {
  const bound = user("system:serviceaccount:shop:reviews");
  const extra = {
    "authentication.kubernetes.io/pod-name": ["reviews-1"],
    "authentication.kubernetes.io/pod-uid": ["0f0f3a52-9d2a-4c8e-8f5e-1d2c3b4a5968"],
  };
  const { answer } = await ask(t, { ...bound, user: { ...bound.user, extra } });
  assert.ok(answer.kind === "caller");
  assert.deepEqual(answer.caller.pod, { name: "reviews-1", uid: "0f0f3a52-9d2a-4c8e-8f5e-1d2c3b4a5968" });
});

test("authenticate() refuses users, nodes and tokens for others", async (t) => {
  const refused = [
    user("alice"),
    user("system:node:one"),
    user("system:serviceaccount:shop:a:b"),
    user("system:serviceaccount:shop:a/../b"),
    { ...user("system:serviceaccount:shop:reviews"), audiences: ["https://kubernetes.default.svc"] },
    { authenticated: false },
  ];
  for (const status of refused) {
    const { answer } = await ask(t, status);
    assert.equal(answer.kind, "refused", JSON.stringify(status));
  }
});

test("authenticate() refuses while the API server is away, and has no opinion without a token", async (t) => {
  const { server, authenticator } = await ask(t, {});
  assert.deepEqual(await authenticator.authenticate({}), { kind: "absent" });
  await server.stop();
  const answer = await authenticator.authenticate({ bearerToken: redacted("t") });
  assert.equal(answer.kind, "refused");
});
