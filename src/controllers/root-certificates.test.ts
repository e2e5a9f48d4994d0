import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { TestApiServer } from "../../tests/support/api-server.ts";
import { ManualClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import { createApiClient } from "../kubernetes/api-client.ts";
import { startRootCertificates } from "./root-certificates.ts";

const CONFIG_MAPS = "/api/v1/configmaps";

async function start(t: TestContext, prepare: (server: TestApiServer) => void = () => undefined) {
  const server = new TestApiServer();
  await server.start();
  server.define(CONFIG_MAPS);
  prepare(server);
  const clock = new ManualClock(1_000_000);
  const client = createApiClient(server.endpoint(), { clock, userAgent: "test" });
  const namespaces = new Set(["shop", "kube-system"]);
  let tell: () => void = () => undefined;
  const end = startRootCertificates({
    client,
    clock,
    random: () => 0.5,
    log: silentLogger,
    rootsPem: "ROOT",
    namespaces: () => namespaces,
    watchNamespaces: (listener) => {
      tell = listener;
      return () => undefined;
    },
  });
  t.after(async () => {
    end();
    client.close();
    await server.stop();
  });
  const rootIn = (namespace: string) =>
    (server.find(CONFIG_MAPS, namespace, "istio-ca-root-cert")?.data as Record<string, string> | undefined)?.[
      "root-cert.pem"
    ];
  const until = async (isTrue: () => boolean) => {
    for (const end = Date.now() + 10_000; !isTrue(); ) {
      if (Date.now() > end) throw new Error(`Never came true: ${isTrue}`);
      await new Promise((resolve) => setTimeout(resolve, 1));
      clock.advance(50);
    }
  };
  const add = (namespace: string) => {
    namespaces.add(namespace);
    tell();
  };
  return { server, rootIn, until, add, end };
}

test("startRootCertificates() writes the roots into each namespace, also new ones, not the system's", async (t) => {
  const { rootIn, until, add } = await start(t);
  await until(() => rootIn("shop") === "ROOT");
  add("new");
  await until(() => rootIn("new") === "ROOT");
  assert.equal(rootIn("kube-system"), undefined);
});

test("startRootCertificates() puts right what others delete or change, and stops when ended", async (t) => {
  const { server, rootIn, until, end } = await start(t);
  await until(() => rootIn("shop") === "ROOT" && server.watchCount === 1);
  server.delete(CONFIG_MAPS, { namespace: "shop", name: "istio-ca-root-cert" });
  await until(() => rootIn("shop") === "ROOT");
  server.put(CONFIG_MAPS, configMap({ app: "x" }, "OTHER"));
  await until(() => rootIn("shop") === "ROOT");
  end();
  await until(() => server.watchCount === 0);
});

const configMap = (labels: Readonly<Record<string, string>>, root: string) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "istio-ca-root-cert", namespace: "shop", labels },
  data: { "root-cert.pem": root },
});

test("startRootCertificates() leaves those of an istiod alone", async (t) => {
  const { rootIn, until, add } = await start(t, (server) =>
    server.put(CONFIG_MAPS, configMap({ "istio.io/config": "true" }, "ISTIO")),
  );
  add("new");
  await until(() => rootIn("new") === "ROOT");
  assert.equal(rootIn("shop"), "ISTIO");
});

test("startRootCertificates() tries again where a write fails", async (t) => {
  let refusedCount = 0;
  const { rootIn, until } = await start(t, (server) => {
    server.intercept = ({ method }) =>
      method === "PATCH" && refusedCount++ < 3 ? { status: 403 } : undefined;
  });
  await until(() => rootIn("shop") === "ROOT");
  assert.equal(refusedCount, 4);
});
