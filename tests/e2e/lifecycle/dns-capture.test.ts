// Issue 3, capture (IC-08): a pod that captures DNS hears of ServiceEntries' hosts, each with an address of its own,
// so that TCP to two of them on the same port goes two ways.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { eventually } from "../mesh/eventually.ts";
import type { PodClient } from "../mesh/pod-client.ts";
import type { RunningMesh } from "../mesh/running-mesh.ts";
import { skipWithoutMesh as skip, startMesh } from "../mesh/running-mesh.ts";

const overTcp = fileURLToPath(new URL("app/dns-over-tcp.mjs", import.meta.url));

let mesh: RunningMesh;
let capturing: PodClient;

before(
  async () => {
    if (skip !== false) return;
    const files = {
      "capturing.yaml": await capturingCaller(),
      "one.yaml": entry("one", "v1"),
      "two.yaml": entry("two", "v2"),
    };
    mesh = await startMesh({ files, manifests: ["legacy.yaml"] });
    capturing = await mesh.client("client-two");
  },
  { timeout: 120_000 },
);
after(() => mesh?.close());

/** The fixture's second caller, with DNS capture. */
async function capturingCaller(): Promise<string> {
  const yaml = await readFile(new URL("../mesh/manifests/second-client.yaml", import.meta.url), "utf8");
  const annotation = `'proxyMetadata: {ISTIO_META_DNS_CAPTURE: "true"}'`;
  return yaml.replace(
    "labels: { app: client-two } }",
    `labels: { app: client-two }, annotations: { proxy.istio.io/config: ${annotation} } }`,
  );
}

/** A host without an address whose endpoints are one version of the echo. */
function entry(name: string, version: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${name}, namespace: test}
spec:
  hosts: [${name}.example]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 9000, name: tcp, protocol: TCP}]
  workloadSelector: {labels: {app: echo, version: ${version}}}
`;
}

async function inPod(workload: string, command: readonly string[]): Promise<string> {
  const [program, ...args] = await mesh.exec(workload, command);
  return (await promisify(execFile)(program, args)).stdout;
}

async function addressOf(workload: string, name: string): Promise<string> {
  const found = await inPod(workload, ["getent", "ahostsv4", name]);
  return found.split(/\s/)[0] ?? "";
}

async function versionBehind(host: string): Promise<string> {
  const { received } = await capturing.tcp({ host, port: 9000, send: "who?", until: "who?" });
  return received;
}

test("hosts without addresses get one each, from the range that is for that", { skip }, async () => {
  const addresses = [
    await addressOf("client-two", "one.example"),
    await addressOf("client-two", "two.example"),
  ];
  for (const address of addresses) assert.match(address, /^240\.240\.\d+\.\d+$/);
  assert.notEqual(addresses[0], addresses[1]);
});

test("TCP to two hosts on one port goes to each one's own endpoints", { skip }, async () => {
  assert.equal(await versionBehind("one.example"), "v1:who?");
  assert.equal(await versionBehind("two.example"), "v2:who?");
});

test("a server that is called by its address has the port to itself", { skip }, async () => {
  const [legacy] = await mesh.pods("legacy");
  assert.equal(await versionBehind(legacy?.ip ?? ""), "legacy:who?");
});

test("names of the cluster are answered as before, by short name and whole", { skip }, async () => {
  const short = await addressOf("client-two", "echo");
  assert.equal(short, await addressOf("client-two", "echo.test.svc.cluster.local"));
  assert.equal(short, await addressOf("client", "echo"));
  assert.equal((await capturing.request("http://echo/")).status, 200);
});

test("a resolver that asks over TCP gets the same answer", { skip }, async () => {
  const answered = await inPod("client-two", [process.execPath, overTcp, "one.example"]);
  assert.equal(answered, await addressOf("client-two", "one.example"));
});

test("a pod that doesn't capture DNS hears nothing of it", { skip }, async () => {
  const client = await mesh.client("client");
  const { error } = await client.tcp({ host: "one.example", port: 9000, send: "who?", until: "who?" });
  assert.match(error ?? "", /ENOTFOUND|EAI_AGAIN/);
});

test("a host that is added or removed is heard of at once, and the others keep their addresses", {
  skip,
}, async () => {
  const before = await addressOf("client-two", "one.example");
  await mesh.save("three.yaml", entry("three", "v2"));
  await eventually(async () => assert.equal(await versionBehind("three.example"), "v2:who?"));
  assert.equal(await addressOf("client-two", "one.example"), before);
  await mesh.remove("three.yaml");
  await eventually(() => assert.rejects(addressOf("client-two", "three.example")));
  assert.equal(await versionBehind("one.example"), "v1:who?");
});
