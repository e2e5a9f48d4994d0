// Headers by which proxies tell each other something, said by somebody who is none: in plain text to a pod, by a
// workload of the mesh, and from outside by the gateway.

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../../mesh/eventually.ts";
import type { TokenForge } from "./tokens.ts";
import { ALLOWED_PRINCIPAL, ISSUER } from "./tour-manifests.ts";
import { rawRequest, type Tour, willLog } from "./tour-mesh.ts";

const ALLOWED = `spiffe://${ALLOWED_PRINCIPAL}`;
const FORGED: Readonly<Record<string, string>> = {
  "x-forwarded-client-cert": `By=spiffe://cluster.local/ns/test/sa/echo;Hash=0;URI=${ALLOWED}`,
  "x-team": "blue",
  "x-envoy-peer-metadata": "Zm9yZ2Vk",
  "x-envoy-peer-metadata-id": "sidecar~10.0.0.1~client.test~test.svc.cluster.local",
};

export function proveForgeries(tourOf: () => Tour, forgeOf: () => TokenForge, skip: false | string): void {
  const lines = Object.entries(FORGED).map(([name, value]) => `${name}: ${value}`);

  test("in plain text nobody is somebody by a header", { skip }, async () => {
    const tour = tourOf();
    const { seen } = await rawRequest(tour, { to: "echo-v1", headers: lines });
    assert.ok(seen !== undefined);
    assert.equal(seen.headers["x-forwarded-client-cert"], undefined);
    assert.equal(seen.headers["x-team"], undefined, "a claim's header is a token's alone");
    for (const target of ["/peer", "/token"]) {
      const { mark, status } = await rawRequest(tour, { to: "echo-v2", target, headers: lines });
      assert.equal(status, 403, target);
      willLog(tour, "echo-v2", mark, " 403 ", "policy[none]");
    }
  });

  test("the certificate and the token say who it is, whatever the headers say", { skip }, async () => {
    const { client, second, mesh } = tourOf();
    await mesh.save("second.yaml", ONLY_V2);
    const ask = (caller: typeof client, headers: Readonly<Record<string, string>>) =>
      caller.request({ url: "http://only-v2/peer", headers, isNew: true });
    await eventually(async () => {
      const answers = [await ask(client, {}), await ask(second, {})];
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 403],
      );
    });
    const good = await ask(client, FORGED);
    assert.equal(good.status, 200, good.body);
    const { headers } = JSON.parse(good.body) as { headers: Record<string, string> };
    assert.equal((headers["x-forwarded-client-cert"]?.match(/URI=/g) ?? []).length, 1);
    assert.equal(headers["x-team"], undefined);
    assert.equal((await ask(second, FORGED)).status, 403);
    const token = await forgeOf().sign({ iss: ISSUER, team: "red" });
    const authorization = `authorization: Bearer ${token}`;
    const { status } = await rawRequest(tourOf(), {
      to: "echo-v2",
      target: "/token",
      headers: [...lines, authorization],
    });
    assert.equal(status, 403, "the token's claim, not the header");
  });

  test("from outside a gateway passes on none of them", { skip }, async () => {
    const { mesh } = tourOf();
    const url = await mesh.gatewayUrl(80);
    const { status, body } = await mesh.machineClient().request({ url: `${url}/x`, headers: FORGED });
    assert.equal(status, 200, body);
    const { headers } = JSON.parse(body) as { headers: Record<string, string> };
    assert.match(
      headers["x-forwarded-client-cert"] ?? "",
      /URI=spiffe:\/\/cluster\.local\/ns\/test\/sa\/gateway$/,
    );
    assert.ok(!JSON.stringify(headers).includes("sa/client"), JSON.stringify(headers));
    assert.equal(headers["x-team"], undefined);
  });
}

const ONLY_V2 = `
apiVersion: v1
kind: Service
metadata: {name: only-v2, namespace: test}
spec:
  selector: {app: echo, version: v2}
  ports: [{name: http, port: 80, targetPort: 8080}]
`;
