// Tokens of end users in a mesh: keys that the control plane fetches from an issuer in a pod, what workloads take and
// refuse, and routes at the gateway that depend on what a token says.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { eventually } from "./eventually.ts";
import type { PodClient } from "./pod-client.ts";
import type { RunningMesh } from "./running-mesh.ts";
import { skipWithoutMesh as skip, startMesh } from "./running-mesh.ts";

const ISSUER = "http://issuer.test.svc.cluster.local";

let mesh: RunningMesh;
let client: PodClient;
let machine: PodClient;
let gateway: string;
let sign: (claims?: JWTPayload) => Promise<string>;
let keys: string;

before(
  async () => {
    if (skip !== false) return;
    const { privateKey, publicKey } = await generateKeyPair("ES256");
    keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: "key", alg: "ES256" }] });
    sign = (claims = {}) =>
      new SignJWT({ sub: "alice", ...claims })
        .setProtectedHeader({ alg: "ES256", kid: "key" })
        .setIssuer(claims.iss ?? ISSUER)
        .setExpirationTime("1h")
        .sign(privateKey);
    mesh = await startMesh({
      manifests: ["gateway.yaml"],
      files: { "issuer.yaml": issuer, "policy.yaml": policies },
    });
    client = await mesh.client("client");
    machine = mesh.machineClient();
    gateway = await mesh.gatewayUrl(80);
  },
  { timeout: 120_000 },
);
after(() => mesh?.close());

async function statusOf(headers: Record<string, string> = {}): Promise<number> {
  return (await client.request({ url: "http://echo/", headers })).status;
}

/** As the control plane tells them. */
function keyProblems(): Promise<readonly string[]> {
  const socketPath = join(mesh.stateDirectory, "control-plane.sock");
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path: "/problems" }, (response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk.toString()));
      response.on("end", () => {
        const problems = JSON.parse(body) as readonly { readonly code: string; readonly message: string }[];
        resolve(problems.filter(({ code }) => code === "MLT2024").map(({ message }) => message));
      });
    });
    call.on("error", reject);
    call.end();
  });
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

test("a token is refused before its issuer's keys are there, and the mesh says why", { skip }, async () => {
  assert.equal(await statusOf(bearer(await sign())), 401);
  await eventually(async () => {
    const [found = ""] = await keyProblems();
    assert.match(found, /"issuer.test.svc.cluster.local" answered with HTTP status 500/);
  });
});

test("a token is accepted as soon as its issuer has keys, and the Problem goes", { skip }, async () => {
  assert.equal((await client.request({ url: `${ISSUER}/keys`, method: "PUT", body: keys })).status, 200);
  const good = bearer(await sign());
  await eventually(async () => assert.equal(await statusOf(good), 200));
  await eventually(async () => assert.deepEqual(await keyProblems(), []));
});

test("a policy of authorization sees who the token is for", { skip }, async () => {
  assert.equal(await statusOf(), 403, "no token");
  assert.equal(await statusOf(bearer(await sign())), 200);
  assert.equal(await statusOf(bearer(await sign({ iss: "other" }))), 401);
  const mallory = await sign({ sub: "mallory" });
  assert.equal(await statusOf(bearer(mallory)), 403);
  const { headers } = await client.echo({
    url: "http://echo/",
    headers: bearer(await sign({ team: "blue" })),
  });
  assert.deepEqual([headers.authorization, headers["x-team"]], [undefined, "blue"]);
});

test("a gateway routes by claims of a valid token, and by no header", { skip }, async () => {
  const versionOf = async (headers: Record<string, string>) => {
    const answer = await machine.request({ url: `${gateway}/`, host: "shop.example", headers });
    return answer.status === 200
      ? (JSON.parse(answer.body) as { readonly version: string }).version
      : answer.status;
  };
  await eventually(async () =>
    assert.equal(await versionOf(bearer(await sign({ groups: ["a", "beta"] }))), "v2"),
  );
  assert.equal(await versionOf(bearer(await sign({ groups: "beta" }))), "v2");
  assert.equal(await versionOf(bearer(await sign({ org: { team: "blue" } }))), "v2");
  assert.equal(await versionOf(bearer(await sign({ groups: ["alpha"] }))), "v1");
  assert.equal(await versionOf({}), "v1");
  assert.equal(await versionOf({ groups: "beta", "x-jwt-payload": "beta" }), "v1");
  assert.equal(await versionOf(bearer(await sign({ groups: ["beta"], iss: "other" }))), 401);
});

test("keys stay while their issuer is away, also where the control plane is started again", {
  skip,
}, async () => {
  await client.request({ url: `${ISSUER}/keys`, method: "DELETE" });
  const pid = controlPlanePid();
  process.kill(pid, "SIGKILL");
  await eventually(() => assert.notEqual(controlPlanePid(), pid));
  // What proves that the new one fills the slot.
  await mesh.save("policy.yaml", policies.replace("header: x-team", "header: x-crew"));
  const headers = bearer(await sign({ team: "blue" }));
  const statuses = new Set<number>();
  await eventually(async () => {
    const { status, body } = await client.request({ url: "http://echo/", headers });
    statuses.add(status);
    assert.match(body, /"x-crew":"blue"/);
  });
  assert.deepEqual([...statuses], [200], "no good token is refused meanwhile");
});

/** As this machine numbers it. */
function controlPlanePid(): number {
  const isIt = (pid: string) => {
    const words = commandOf(pid).split("\0");
    return words.includes("--xds-socket") && words.includes(mesh.stateDirectory);
  };
  const pid = readdirSync("/proc").find((name) => /^\d+$/.test(name) && isIt(name));
  return Number(pid ?? assert.fail("no control plane runs"));
}

/** Empty for one that has ended. */
function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

test("`meltemi jwt debug` says who takes a token, and who doesn't", { skip }, async () => {
  const good = debug(await sign());
  assert.equal(good.code, 0, good.output);
  assert.match(good.output, /^test\/echo +0 +takes +signed by key "key"$/m);
  assert.match(good.output, /^test\/gateway +0 +takes/m);
  const foreign = debug(await sign({ iss: "other" }));
  assert.equal(foreign.code, 1);
  assert.match(foreign.output, /^test\/echo +0 +passes +it is for issuer/m);
  assert.equal(debug("x").code, 2);
});

function debug(token: string): { readonly code: number | null; readonly output: string } {
  const program = fileURLToPath(new URL("../../../bin/meltemi.mjs", import.meta.url));
  const env = { ...process.env, MELTEMI_STATE_DIR: mesh.stateDirectory, NO_COLOR: "1" };
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, "jwt", "debug", "-"], {
    env,
    input: token,
  });
  return { code: status, output: `${stdout}${stderr}` };
}

const issuer = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: issuer, namespace: test}
spec:
  selector: {matchLabels: {app: issuer}}
  template:
    metadata: {labels: {app: issuer}}
    spec:
      containers:
        - name: issuer
          image: none
          command: ["${process.execPath}", "${fileURLToPath(new URL("app/issuer.mjs", import.meta.url))}"]
          env: [{name: ISSUER, value: "${ISSUER}"}]
          readinessProbe: {httpGet: {path: /.well-known/openid-configuration, port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: issuer, namespace: test}
spec:
  selector: {app: issuer}
  ports: [{name: http, port: 80, targetPort: 8080}]
`;

const policies = `
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: echo, namespace: test}
spec:
  selector: {matchLabels: {app: echo}}
  jwtRules: [{issuer: "${ISSUER}", forwardOriginalToken: false, outputClaimToHeaders: [{header: x-team, claim: team}]}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: echo, namespace: test}
spec:
  selector: {matchLabels: {app: echo}}
  rules:
    - from: [{source: {requestPrincipals: ["${ISSUER}/alice"]}}]
    - from: [{source: {principals: ["cluster.local/ns/test/sa/gateway"]}}]
---
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: gateway, namespace: test}
spec:
  selector: {matchLabels: {istio: ingressgateway}}
  jwtRules: [{issuer: "${ISSUER}", jwksUri: "${ISSUER}/keys", forwardOriginalToken: false}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: test}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: test}
spec:
  hosts: [shop.example]
  gateways: [edge]
  http:
    - match:
        - headers: {"@request.auth.claims.groups": {exact: beta}}
        - headers: {"@request.auth.claims[org][team]": {prefix: bl}}
      route: [{destination: {host: echo, port: {number: 80}, subset: v2}}]
    - route: [{destination: {host: echo, port: {number: 80}, subset: v1}}]
`;
