import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { TestApiServer } from "../../tests/support/api-server.ts";
import { ManualClock } from "../core/clock.ts";
import { redacted } from "../core/redacted.ts";
import { type ApiClient, createApiClient } from "./api-client.ts";
import type { ApiEndpoint } from "./api-endpoint.ts";
import { ApiError } from "./api-error.ts";
import { applyObject, createObject, deleteObject, getObject, replaceObject } from "./api-objects.ts";
import { leaseResource, resourcePath } from "./api-resource.ts";
import { createTokenFile, openInClusterEndpoint } from "./in-cluster-endpoint.ts";
import { reviewToken } from "./token-review.ts";

const LEASES = resourcePath(leaseResource);

async function withServer(
  use: (server: TestApiServer, client: ApiClient) => Promise<void>,
  credentials: Partial<ApiEndpoint> = {},
): Promise<void> {
  const server = new TestApiServer();
  await server.start();
  const client = createApiClient(
    { ...server.endpoint(), ...credentials },
    { clock: new ManualClock(), userAgent: "meltemi/test" },
  );
  try {
    await use(server, client);
  } finally {
    client.close();
    await server.stop();
  }
}

const lease = (name: string, more = {}) => ({
  apiVersion: "coordination.k8s.io/v1",
  kind: "Lease",
  metadata: { name, namespace: "shop" },
  ...more,
});

test("createApiClient() sends who we are, and the token", async () => {
  await withServer(
    async (server, client) => {
      server.define(LEASES);
      await getObject(client, leaseResource, { namespace: "shop", name: "a" });
      const [{ headers, path } = { headers: {}, path: "" }] = server.requests;
      assert.equal(headers.authorization, "Bearer secret");
      assert.equal(headers["user-agent"], "meltemi/test");
      assert.equal(path, "/apis/coordination.k8s.io/v1/namespaces/shop/leases/a");
    },
    { credentials: async () => ({ bearerToken: redacted("secret") }) },
  );
});

test("createApiClient() reads credentials anew once they are refused", async () => {
  const tokens = ["old", "new"];
  let forgottenCount = 0;
  await withServer(
    async (server, client) => {
      server.define(LEASES);
      server.intercept = ({ headers }) =>
        headers.authorization === "Bearer new" ? undefined : { status: 401 };
      assert.equal(await getObject(client, leaseResource, { name: "a", namespace: "b" }), undefined);
      assert.equal(forgottenCount, 1);
    },
    {
      credentials: async () => ({ bearerToken: redacted(tokens[forgottenCount] ?? "") }),
      forgetCredentials: () => {
        forgottenCount++;
      },
    },
  );
});

test("createApiClient() throws a refusal with the server's reason and no body of ours", async () => {
  await withServer(async (server, client) => {
    server.define(LEASES);
    await createObject(client, leaseResource, lease("a", { spec: { holderIdentity: "hidden" } }));
    await assert.rejects(createObject(client, leaseResource, lease("a")), (error: unknown) => {
      assert.ok(error instanceof ApiError);
      assert.deepEqual([error.status, error.reason], [409, "AlreadyExists"]);
      assert.match(error.message, /^Cannot POST \/apis.*leases: 409 AlreadyExists$/);
      return true;
    });
  });
});

test("replaceObject() refuses to write over somebody else's change", async () => {
  await withServer(async (server, client) => {
    server.define(LEASES);
    const first = await createObject(client, leaseResource, lease("a"));
    await replaceObject(client, leaseResource, { ...first, spec: { a: 1 } });
    await assert.rejects(replaceObject(client, leaseResource, { ...first, spec: { a: 2 } }), /Conflict/);
  });
});

test("applyObject() says whose fields they are", async () => {
  await withServer(async (server, client) => {
    server.define(LEASES);
    await applyObject(client, leaseResource, lease("a"), { fieldManager: "meltemi", isForced: true });
    const [{ method, query, headers } = assert.fail()] = server.requests;
    assert.equal(method, "PATCH");
    assert.equal(query.toString(), "fieldManager=meltemi&force=true");
    assert.equal(headers["content-type"], "application/apply-patch+yaml");
    assert.equal(await deleteObject(client, leaseResource, { namespace: "shop", name: "a" }), true);
    assert.equal(await deleteObject(client, leaseResource, { namespace: "shop", name: "a" }), false);
  });
});

test("reviewToken() takes a yes only where it is for the audience", async () => {
  const cases = [
    [{ authenticated: true, user: { username: "u" }, audiences: ["istio-ca"] }, "user"],
    [{ authenticated: true, user: { username: "u" }, audiences: ["other"] }, "refused"],
    [{ authenticated: true, user: { username: "u" } }, "refused"],
    [{ authenticated: false, error: "expired" }, "refused"],
  ] as const;
  await withServer(async (server, client) => {
    for (const [status, kind] of cases) {
      server.intercept = () => ({ status: 201, body: { status } });
      const review = await reviewToken(client, redacted("token"), ["istio-ca"]);
      assert.equal(review.kind, kind, JSON.stringify(status));
    }
  });
});

test("createTokenFile() reads the file again after a minute, and after a refusal", async () => {
  const directory = await mkdtemp(join(tmpdir(), "meltemi-token-"));
  try {
    const clock = new ManualClock();
    const path = join(directory, "token");
    await writeFile(path, "one\n");
    const file = createTokenFile(path, clock);
    const token = async () => (await file.credentials()).bearerToken?.reveal();
    assert.equal(await token(), "one");
    await writeFile(path, "two\n");
    assert.equal(await token(), "one");
    clock.advance(60_000);
    assert.equal(await token(), "two");
    await writeFile(path, "three\n");
    file.forgetCredentials();
    assert.equal(await token(), "three");
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("openInClusterEndpoint() finds nothing outside a pod", async () => {
  assert.equal(await openInClusterEndpoint({ clock: new ManualClock(), environment: {} }), undefined);
});

test("createApiClient() gives up a connection that isn't made within seconds", async (t) => {
  // It takes connections, and never says a word of TLS.
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  t.after(() => silent.close());
  const { port } = silent.address() as AddressInfo;
  const clock = new ManualClock();
  const endpoint: ApiEndpoint = {
    url: new URL(`https://127.0.0.1:${port}`),
    credentials: async () => ({}),
    forgetCredentials: () => undefined,
  };
  const client = createApiClient(endpoint, { clock, userAgent: "test" });
  const asked = client.request({ path: "/version" });
  const refusal = assert.rejects(asked, /Cannot GET \/version: no connection in time/);
  const [socket] = (await once(silent, "connection")) as [Socket];
  clock.advance(5_000);
  await refusal;
  socket.destroy();
});
