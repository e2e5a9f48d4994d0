import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { type TestContext, test } from "node:test";
import { startTestApi } from "../../tests/support/api-client.ts";
import { ManualClock } from "../core/clock.ts";
import { buildRootFiles } from "./certificate-authority.ts";
import { openClusterAuthority } from "./cluster-authority.ts";

const SECRETS = "/api/v1/secrets";
const clock = new ManualClock(Date.parse("2026-11-01T00:00:00Z"));
const options = { namespace: "meltemi-system", trustDomain: "cluster.local", clock };

async function start(t: TestContext) {
  const { server, client } = await startTestApi(t, clock);
  server.define(SECRETS);
  const open = async () => {
    const opened = await openClusterAuthority(client, options);
    assert.ok(opened.kind === "authority", JSON.stringify(opened));
    return opened.authority;
  };
  return { server, client, open };
}

test("openClusterAuthority() makes one CA, whoever comes first", async (t) => {
  const { server, open } = await start(t);
  const [one, other] = await Promise.all([open(), open()]);
  assert.equal(one.rootsPem, other.rootsPem);
  assert.equal((await open()).rootsPem, one.rootsPem);
  assert.equal(server.find(SECRETS, "meltemi-system", "meltemi-ca")?.type, "meltemi.dev/ca");
});

test("openClusterAuthority() takes a plugged-in CA before its own", async (t) => {
  const { server, open } = await start(t);
  const own = await open();
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const files = buildRootFiles(privateKey, "plugged.in", { clock, randomBytes });
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  server.put(SECRETS, {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "cacerts", namespace: "meltemi-system" },
    data: {
      "ca-cert.pem": base64(files.certificatePem),
      "ca-key.pem": base64(files.keyPem.reveal()),
      "root-cert.pem": base64(files.rootsPem),
    },
  });
  const plugged = await open();
  assert.equal(plugged.rootsPem, files.rootsPem);
  assert.notEqual(plugged.rootsPem, own.rootsPem);
});

test("openClusterAuthority() says which Secret is no CA, and nothing of what it holds", async (t) => {
  const { server, client } = await start(t);
  server.put(SECRETS, {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "cacerts", namespace: "meltemi-system" },
    data: { "ca-key.pem": Buffer.from("hidden").toString("base64") },
  });
  const opened = await openClusterAuthority(client, options);
  assert.ok(opened.kind === "problem");
  assert.match(opened.problem.message, /"meltemi-system\/cacerts".*ca-cert\.pem/);
  assert.doesNotMatch(JSON.stringify(opened), /hidden/);
});
