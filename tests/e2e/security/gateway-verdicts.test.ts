// `meltemi authz can-i` for calls from outside: what it says of a call at a gateway is what the call gets, by policies, tokens,
// servers and routes.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { projectPath } from "../../../src/process/project.ts";
import { eventually } from "../mesh/eventually.ts";
import type { PodClient } from "../mesh/pod-client.ts";
import { type RunningMesh, skipWithoutMesh as skip, startMesh } from "../mesh/running-mesh.ts";
import { makeServerCertificate, type ServerCertificate, tlsSecret } from "../mesh/server-certificate.ts";

const ISSUER = "https://login.example.com";

const SERVERS = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: test}
spec:
  selector: {istio: ingressgateway}
  servers:
    - port: {number: 80, name: http, protocol: HTTP}
      hosts: ["*.example"]
    - port: {number: 80, name: http-moved, protocol: HTTP}
      hosts: [moved.example]
      tls: {httpsRedirect: true}
    - port: {number: 443, name: https, protocol: HTTPS}
      hosts: [shop.example]
      tls: {mode: SIMPLE, credentialName: shop-certificate}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: test}
spec:
  hosts: [shop.example, "*.shop.example", moved.example]
  gateways: [edge]
  http:
    - match: [{uri: {prefix: /staff}, headers: {"@request.auth.claims.groups": {exact: staff}}}]
      route: [{destination: {host: echo, port: {number: 80}}}]
    - match: [{uri: {exact: /exact}}, {uri: {regex: "/r[0-9]+"}, queryParams: {v: {exact: "1"}}}, {uri: {prefix: /open}}, {uri: {prefix: /admin}}, {uri: {prefix: /asked}}]
      route: [{destination: {host: echo, port: {number: 80}}}]
    - match: [{uri: {prefix: /x}, headers: {x-team: {exact: ops}}}]
      route: [{destination: {host: echo, port: {number: 80}}}]
`;

const policies = (jwks: string) => `
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: login, namespace: test}
spec:
  selector: {matchLabels: {istio: ingressgateway}}
  jwtRules: [{issuer: ${ISSUER}, jwks: '${jwks}'}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: no-admin, namespace: test}
spec:
  selector: {matchLabels: {istio: ingressgateway}}
  action: DENY
  rules:
    - to: [{operation: {paths: ["/admin*"], notHosts: ["www.shop.example"]}}]
    - to: [{operation: {paths: ["/open/token"]}}]
      from: [{source: {notRequestPrincipals: ["*"]}}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: asked, namespace: test}
spec:
  selector: {matchLabels: {istio: ingressgateway}}
  action: CUSTOM
  provider: {name: nobody}
  rules: [{to: [{operation: {paths: ["/asked"]}}]}]
`;

let mesh: RunningMesh;
let machine: PodClient;
let plain: string;
let secure: string;
let certificate: ServerCertificate;
let token: string;
let guest: string;

before(
  async () => {
    if (skip !== false) return;
    certificate = await makeServerCertificate("shop.example");
    const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
    const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: "one" }] });
    const sign = (groups: readonly string[]) =>
      new SignJWT({ iss: ISSUER, sub: "ann", groups: [...groups] })
        .setProtectedHeader({ alg: "ES256", kid: "one" })
        .sign(privateKey);
    [token, guest] = await Promise.all([sign(["staff"]), sign(["guests"])]);
    mesh = await startMesh({
      manifests: ["gateway.yaml"],
      files: {
        "certificate.yaml": tlsSecret("shop-certificate", certificate),
        "servers.yaml": SERVERS,
        "policies.yaml": policies(jwks),
      },
    });
    machine = mesh.machineClient();
    [plain, secure] = (await Promise.all([80, 443].map((port) => mesh.gatewayUrl(port)))) as [string, string];
    await eventually(async () =>
      assert.equal((await machine.request({ url: `${plain}/admin`, host: "shop.example" })).status, 403),
    );
    await mesh.waitUntilInStep();
  },
  { timeout: 120_000 },
);
after(() => mesh?.close());

interface Answer {
  readonly code: number;
  readonly text: string;
}

function canI(...args: readonly string[]): Promise<Answer> {
  const env = { ...process.env, MELTEMI_STATE_DIR: mesh.stateDirectory, NO_COLOR: "1" };
  const argv = [projectPath("bin/meltemi.mjs"), "authz", "can-i", ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, argv, { env, timeout: 30_000 }, (error, output, errors) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, text: `${output}${errors}` }),
    );
  });
}

interface GatewayCall {
  readonly path: string;
  readonly host?: string;
  readonly bearer?: "staff" | "guest" | "garbage";
  readonly team?: string;
  readonly isTls?: boolean;
  readonly status: number;
  readonly says: RegExp;
}

const ROUTED = /^allowed: .*\n {2}routed by http\[\d\] of VirtualService test\/shop\n$/;
const UNROUTED = /^denied: no policy denies it, but the gateway has no route for it \(404\)\n$/;

const calls: readonly GatewayCall[] = [
  { path: "/open", status: 200, says: ROUTED },
  { path: "/open/x?y", host: "www.shop.example", status: 200, says: ROUTED },
  { path: "/exact?q", status: 200, says: ROUTED },
  { path: "/exact/more", status: 404, says: UNROUTED },
  { path: "/r42?v=1", status: 200, says: ROUTED },
  { path: "/r42?v=2", status: 404, says: UNROUTED },
  { path: "/open", host: "other.example", status: 404, says: UNROUTED },
  { path: "/admin", status: 403, says: /^denied by rules\[0\] of AuthorizationPolicy test\/no-admin/ },
  { path: "/x/../admin", status: 403, says: /^denied by rules\[0\] of AuthorizationPolicy test\/no-admin/ },
  { path: "/admin", host: "www.shop.example", status: 200, says: ROUTED },
  { path: "/x", team: "ops", status: 200, says: ROUTED },
  { path: "/x", status: 404, says: UNROUTED },
  { path: "/staff", bearer: "staff", status: 200, says: ROUTED },
  { path: "/staff", bearer: "guest", status: 404, says: UNROUTED },
  { path: "/staff", status: 404, says: UNROUTED },
  { path: "/staff", bearer: "garbage", status: 401, says: /^denied: the token / },
  { path: "/open/token", status: 403, says: /^denied by rules\[1\] of AuthorizationPolicy test\/no-admin/ },
  { path: "/open/token", bearer: "guest", status: 200, says: ROUTED },
  { path: "/asked", status: 403, says: /^denied by / },
  { path: "/open", host: "moved.example", status: 301, says: /^denied: the gateway sends it to HTTPS/ },
  { path: "/open", isTls: true, status: 200, says: ROUTED },
  { path: "/admin", isTls: true, status: 403, says: /^denied by rules\[0\]/ },
  { path: "/staff", isTls: true, bearer: "staff", status: 200, says: ROUTED },
];

for (const { path, host = "shop.example", bearer, team, isTls = false, status, says } of calls) {
  const words = [isTls ? "TLS" : "", host, path, bearer ?? "", team ?? ""].filter(Boolean).join(" ");
  test(`can-i says what ${words} gets at the gateway`, { skip }, async () => {
    const jwt = bearer === undefined ? undefined : { staff: token, guest, garbage: "a.b.c" }[bearer];
    const headers = {
      ...(jwt === undefined ? {} : { authorization: `Bearer ${jwt}` }),
      ...(team === undefined ? {} : { "x-team": team }),
    };
    const { status: got } = await machine.request({
      url: `${isTls ? secure : plain}${path}`,
      host,
      headers,
      ...(isTls ? { ca: certificate.certificatePem } : {}),
    });
    assert.equal(got, status);
    const said = await canI(
      ...(jwt === undefined ? [] : ["--jwt", jwt]),
      ...(team === undefined ? [] : ["-H", `x-team: ${team}`]),
      `${isTls ? "https" : "http"}://${host}${path}`,
    );
    assert.match(said.text, says);
    assert.equal(said.code, status === 200 ? 0 : 1, said.text);
  });
}

test("can-i asks the gateway that is named, at its Service's port, and tells JSON the route", {
  skip,
}, async () => {
  const { code, text } = await canI("--to", "gateway.test", "-o", "json", "http://shop.example/open");
  assert.equal(code, 0, text);
  const { verdict, pods } = JSON.parse(text);
  assert.deepEqual(
    [verdict, pods.map(({ port, route }: { port: number; route: string }) => [port, route])],
    ["allowed", [[8080, "VirtualService/test/shop spec.http[1]"]]],
  );
});

test("can-i knows hosts and ports that no server of a gateway is for", { skip }, async () => {
  assert.match((await canI("http://shop.elsewhere/")).text, /"shop.elsewhere" is no Service of the mesh/);
  const tls = await canI("--to", "gateway.test", "https://other.example/");
  assert.match(tls.text, /^denied: the gateway has no server at port 8443 that takes such a call/);
  await assert.rejects(
    machine
      .request({ url: `${secure}/`, host: "other.example", ca: certificate.certificatePem })
      .then(({ status, error }) => {
        if (status === 0) throw new Error(error);
      }),
  );
});
