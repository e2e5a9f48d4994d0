import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ManualClock } from "../core/clock.ts";
import { openKubeconfig } from "./kubeconfig.ts";

async function directoryOf(t: TestContext, files: Readonly<Record<string, unknown>>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "meltemi-kubeconfig-"));
  t.after(() => rm(directory, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(directory, name), typeof content === "string" ? content : JSON.stringify(content));
  }
  return directory;
}

const base64 = (text: string) => Buffer.from(text).toString("base64");

const config = (user: object, cluster: object = {}) => ({
  "current-context": "here",
  contexts: [{ name: "here", context: { cluster: "c", user: "u", namespace: "shop" } }],
  clusters: [{ name: "c", cluster: { server: "https://api.example:6443", ...cluster } }],
  users: [{ name: "u", user }],
});

async function open(path: string, more: { context?: string; clock?: ManualClock } = {}) {
  const clock = more.clock ?? new ManualClock();
  const opened = await openKubeconfig({ environment: process.env, path, ...more, clock });
  if (opened.kind === "problem") throw new Error(opened.problem.message);
  return opened;
}

test("openKubeconfig() takes the current context, inline data and files beside it", async (t) => {
  const user = { "client-certificate-data": base64("cert"), "client-key": "key.pem" };
  const cluster = { "certificate-authority": "ca.pem", "tls-server-name": "kubernetes" };
  const directory = await directoryOf(t, { config: config(user, cluster), "key.pem": "key", "ca.pem": "ca" });
  const { endpoint, namespace } = await open(join(directory, "config"));
  assert.equal(namespace, "shop");
  assert.equal(endpoint.url.href, "https://api.example:6443/");
  assert.deepEqual([endpoint.caPem, endpoint.serverName], ["ca", "kubernetes"]);
  const { clientCertificate } = await endpoint.credentials();
  assert.equal(clientCertificate?.certificatePem, "cert");
  assert.equal(clientCertificate?.keyPem.reveal(), "key");
});

test("openKubeconfig() merges several files, the first of a name counts", async (t) => {
  const directory = await directoryOf(t, {
    one: { contexts: [{ name: "here", context: { cluster: "c", user: "other" } }] },
    two: { ...config({ token: "of u" }), users: [{ name: "other", user: { token: "of other" } }] },
  });
  const environment = {
    KUBECONFIG: ["one", "missing", "two"].map((name) => join(directory, name)).join(":"),
  };
  const opened = await openKubeconfig({ environment, clock: new ManualClock() });
  assert.ok(opened.kind === "opened");
  assert.equal((await opened.endpoint.credentials()).bearerToken?.reveal(), "of other");
});

test("openKubeconfig() says what is missing", async (t) => {
  const directory = await directoryOf(t, { config: config({}), broken: "{" });
  const cases = [
    ["config", "there", /no context "there"/],
    ["absent", undefined, /there is no file .*absent/],
    ["broken", undefined, /Cannot use the kubeconfig/],
  ] as const;
  for (const [file, context, message] of cases) {
    const path = join(directory, file);
    const opened = await openKubeconfig({
      environment: {},
      path,
      clock: new ManualClock(),
      ...(context !== undefined && { context }),
    });
    assert.ok(opened.kind === "problem");
    assert.match(opened.problem.message, message);
  }
});

test("openKubeconfig() asks an exec plugin once, and again when its token has expired", async (t) => {
  const script = `
    const fs = require("fs");
    const count = fs.existsSync("count") ? Number(fs.readFileSync("count")) + 1 : 1;
    fs.writeFileSync("count", String(count));
    const { spec } = JSON.parse(process.env.KUBERNETES_EXEC_INFO);
    const status = { token: spec.cluster.server + " " + process.env.EXTRA + count, expirationTimestamp: "1970-01-01T01:00:00Z" };
    console.log(JSON.stringify({ kind: "ExecCredential", status }));`;
  const directory = await directoryOf(t, { "plugin.js": script });
  const exec = {
    command: "sh",
    args: ["-c", `cd ${directory} && exec ${process.execPath} plugin.js`],
    env: [{ name: "EXTRA", value: "call " }],
    provideClusterInfo: true,
  };
  await writeFile(join(directory, "config"), JSON.stringify(config({ exec })));
  const clock = new ManualClock();
  const { endpoint } = await open(join(directory, "config"), { clock });
  const token = async () => (await endpoint.credentials()).bearerToken?.reveal();
  assert.equal(await token(), "https://api.example:6443 call 1");
  assert.equal(await token(), "https://api.example:6443 call 1");
  clock.advance(3_595_000);
  assert.equal(await token(), "https://api.example:6443 call 2");
});

test("openKubeconfig() finds a plugin beside the file", async (t) => {
  const exec = { command: "./plugin.sh" };
  const script = `#!/bin/sh\necho '{"status":{"token":"beside"}}'\n`;
  const directory = await directoryOf(t, { config: config({ exec }), "plugin.sh": script });
  await chmod(join(directory, "plugin.sh"), 0o755);
  const { endpoint } = await open(join(directory, "config"));
  assert.equal((await endpoint.credentials()).bearerToken?.reveal(), "beside");
});

test("openKubeconfig() ends a plugin that takes too long", async (t) => {
  const exec = { command: "sleep", args: ["infinity"] };
  const directory = await directoryOf(t, { config: config({ exec }) });
  const clock = new ManualClock();
  const { endpoint } = await open(join(directory, "config"), { clock });
  const credentials = endpoint.credentials();
  clock.advance(120_000);
  await assert.rejects(credentials, {
    name: "CredentialError",
    message: 'Cannot get credentials from "sleep": it was ended by SIGTERM',
  });
});
