import assert from "node:assert/strict";
import { test } from "node:test";
import { startApiServer, whyNoApiServer } from "./api-server.ts";

const skip = whyNoApiServer();

test("startApiServer() keeps what it was told over halt() and resume()", { skip }, async (t) => {
  const server = await startApiServer({ audit: true });
  t.after(() => server.close());
  await server.kubectl(["create", "configmap", "kept", "--from-literal", "key=value"]);
  await server.halt();
  await assert.rejects(server.kubectl(["get", "configmap", "kept"], { timeoutMs: 5_000 }));
  await server.resume();
  assert.equal(await server.kubectl(["get", "configmap", "kept", "-o", "jsonpath={.data.key}"]), "value");
  const created = (await server.audit()).filter(
    (event) => event.verb === "create" && event.objectRef?.name === "kept",
  );
  assert.deepEqual(
    created.map((event) => event.user.username),
    ["test-admin"],
  );
});

test("startApiServer() makes ServiceAccounts and EndpointSlices with a controller-manager", {
  skip,
}, async (t) => {
  const server = await startApiServer({ controllerManager: true });
  t.after(() => server.close());
  const token = await server.kubectl(["create", "token", "default", "--audience", "test"]);
  const payload = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
  assert.deepEqual(payload.aud, ["test"]);
  await server.kubectl(["create", "deployment", "app", "--image", "app", "--replicas", "2"]);
  await server.kubectl(["expose", "deployment", "app", "--port", "80"]);
  await server.kubectl(["wait", "--for=create", "endpointslice", "-l", "kubernetes.io/service-name=app"]);
});
