// Who holds connections open to the webhooks doesn't keep the API server out.

import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:https";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { silentLogger } from "../../src/core/logger.ts";
import { redacted } from "../../src/core/redacted.ts";
import { createWebhookServer } from "../../src/webhook/webhook-server.ts";
import { createTestRoot } from "../support/certificates.ts";
import { type HeldConnections, holdConnections } from "../support/held-connections.ts";

const root = await createTestRoot("mesh");
const QUESTIONS = 8;
const ANSWER_LIMIT_MS = 10_000;

async function serve(t: TestContext): Promise<number> {
  const { certificate, key } = await root.issue();
  const server = createWebhookServer({
    log: silentLogger,
    certificate: { chainPem: certificate, keyPem: redacted(key) },
    injectionSettings: () => undefined,
  });
  // It ends with the connections, which the test closes after this.
  t.after(() => void server.close());
  return server.listen(0, "127.0.0.1");
}

/** Over a connection of its own, as an API server that has none open to this replica. */
async function ask(port: number): Promise<number> {
  const review = JSON.stringify({
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: { uid: "u1", operation: "CREATE", namespace: "shop", object: { kind: "Pod", metadata: {} } },
  });
  const asked = request({
    ...{ host: "localhost", port, path: "/inject", method: "POST", ca: root.certificate, agent: false },
    headers: { "content-type": "application/json" },
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
  });
  asked.end(review);
  const [response] = await once(asked, "response");
  response.resume();
  return response.statusCode;
}

const head = "POST /inject HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
const held: readonly (readonly [string, readonly Omit<HeldConnections, "port">[]])[] = [
  ["that never begin a handshake, from one address", [{ count: 2_000, from: "one address" }]],
  ["that never begin a handshake, from many addresses", [{ count: 2_000, from: "many addresses" }]],
  [
    "that never finish a request",
    [
      { count: 100, from: "many addresses", tls: { alpn: "http/1.1", bytes: Buffer.alloc(0) } },
      { count: 100, from: "one address", tls: { alpn: "http/1.1", bytes: Buffer.from(head) } },
      { count: 1_000, from: "many addresses" },
      {
        count: 100,
        from: "many addresses",
        tls: { alpn: "http/1.1", bytes: Buffer.from(`${head}content-length: 100\r\n\r\n{`) },
      },
    ],
  ],
];
for (const [what, crowds] of held) {
  test(`createWebhookServer() answers while thousands of connections are held ${what}`, async (t) => {
    const port = await serve(t);
    for (const crowd of crowds) await holdConnections(t, { port, ...crowd });
    for (let count = 0; count < QUESTIONS; count += 1) assert.equal(await ask(port), 200);
  });
}
