// What a refusal says: the access log of who refuses, always, and the refused caller, where a policy asks for that.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "./eventually.ts";
import type { PodClient } from "./pod-client.ts";
import type { RunningMesh } from "./running-mesh.ts";
import { skipWithoutMesh as skip, startMesh } from "./running-mesh.ts";

// The authorizer is asked for another path, at which it refuses.
const MESH_CONFIG = `
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: meltemi-system}
data:
  mesh: |
    accessLogFile: /dev/stdout
    extensionProviders:
      - name: refuses
        envoyExtAuthzHttp: {service: test/legacy.test.svc.cluster.local, port: 80, pathPrefix: "/?status=403&asked="}
`;
const KEYS = `{"keys":[{"kty":"RSA","e":"AQAB","n":"xAE7eB6qugXyCAG3yhh7pkDkT65pHymX-P7KfIupjf59vsdo91bSP9C8H07pSAGQO1MV_xFj9VswgsCg4R6otmg5PV2He95lZdHtOcU5DXIg_pbhLdKXbi66GlVeK6ABZOUW3WYtnNHD-91gVuoeJT_DwtGGcp4ignkgXfkiEm4sw-4sfb4qdt5oLbyVpmW6x9cfa7vs2WTfURiCrBoUqgBo_-4WTiULmmHSGZHOjzwa8WtrtOQGsAFjIbno85jp6MnGGGZPYZbDAa_b3y5u-YpW7ypZrvD8BgtKVjgtQgZhLAGezMt0ua3DRrWnKqTZ0BJ_EyxOGuHJrLsn00fnMQ"}]}`;
const TOKENS = `
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: echo, namespace: test}
spec:
  selector: {matchLabels: {app: echo}}
  jwtRules: [{issuer: idp, jwks: '${KEYS}'}]
`;
const GATEWAY = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: test}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: echo, namespace: test}
spec:
  hosts: ["*"]
  gateways: [edge]
  http: [{route: [{destination: {host: echo, port: {number: 80}}}]}]
`;
const NONE = "{kind: List, apiVersion: v1, items: []}";
const HEADER = "x-meltemi-denied-by";

let mesh: RunningMesh;
let client: PodClient;

before(
  async () => {
    if (skip !== false) return;
    mesh = await startMesh({
      manifests: ["legacy.yaml", "gateway.yaml"],
      files: {
        "mesh-config.yaml": MESH_CONFIG,
        "tokens.yaml": TOKENS,
        "gateway.yaml": GATEWAY,
        "policy.yaml": NONE,
      },
    });
    client = await mesh.client("client");
  },
  { timeout: 120_000 },
);
after(() => mesh?.close());

interface Written {
  readonly name: string;
  readonly spec: string;
  readonly selector?: string;
  readonly explains?: string;
}

function save(...policies: readonly Written[]): Promise<void> {
  const documents = policies.map(
    ({ name, spec, selector = "app: echo", explains }) => `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: ${name}, namespace: test${explains === undefined ? "" : `, annotations: {meltemi.dev/explain-denials: "${explains}"}`}}
spec:
  selector: {matchLabels: {${selector}}}
  ${spec}
`,
  );
  return mesh.save("policy.yaml", documents.join("---"));
}

const RULES: readonly Written[] = [
  {
    name: "deny",
    spec: `action: DENY
  rules:
    - to: [{operation: {paths: ["/admin"], ports: ["8080"]}}]
    - to: [{operation: {ports: ["9000"]}}]`,
  },
  {
    name: "ask",
    spec: `action: CUSTOM\n  provider: {name: refuses}\n  rules: [{to: [{operation: {paths: ["/ask"], ports: ["8080"]}}]}]`,
  },
  {
    name: "allow",
    spec: `rules: [{to: [{operation: {paths: ["/ok", "/admin", "/ask"], ports: ["8080"]}}]}]`,
  },
];

/** A bad token is refused whatever the policies say. */
const BAD_TOKEN = { authorization: "Bearer a.b.c" };

const CASES = [
  { path: "/admin", says: "AuthorizationPolicy test/deny rules[0]", logs: "ns[test]-policy[deny]-rule[0]" },
  {
    path: "/none",
    says: "no rule of the workload's 1 ALLOW policies matches: test/allow",
    logs: "rbac_access_denied_matched_policy[none]",
  },
  {
    path: "/ask",
    says: "AuthorizationPolicy test/ask rules[0], provider refuses",
    logs: "ext_authz_denied[istio-ext-authz-refuses-ns[test]-policy[ask]-rule[0]]",
  },
  {
    path: "/ok",
    headers: BAD_TOKEN,
    says: "RequestAuthentication, Jwt_header_is_an_invalid_Base64url_encoded",
    logs: "jwt_authn_access_denied{Jwt_header_is_an_invalid_Base64url_encoded}",
  },
] as const;

/** Until both pods behind the service answer so. */
function until(path: string, expected: { readonly status: number; readonly says?: string | undefined }) {
  return eventually(async () => {
    for (let request = 0; request < 8; request += 1) {
      const { status, headers } = await client.request(`http://echo${path}`);
      assert.deepEqual({ status, says: headers[HEADER] }, { says: undefined, ...expected });
    }
  });
}

/** Of both pods behind the service. */
async function untilLogged(...parts: readonly string[]): Promise<void> {
  await eventually(async () => {
    const lines = await Promise.all(["echo-v1", "echo-v2"].map((pod) => mesh.logs(pod, "istio-proxy")));
    const found = lines.flat().some(({ text }) => parts.every((part) => text.includes(part)));
    assert.ok(found, `no line with ${parts.join(" and ")}`);
  });
}

test("the access log names the rule that refuses a request", { skip }, async () => {
  await save(...RULES);
  await until("/admin", { status: 403 });
  for (const { path, logs, ...rest } of CASES) {
    const headers = { ...("headers" in rest ? rest.headers : {}), "user-agent": `logged${path}` };
    const { status, headers: answered } = await client.request({ url: `http://echo${path}`, headers });
    assert.ok(status === 403 || status === 401, `${path}: ${status}`);
    assert.equal(answered[HEADER], undefined, "nobody asked for the header");
    await untilLogged(
      `logged${path}"`,
      ` ${status} `,
      ` ${logs.startsWith("ns") ? `rbac_access_denied_matched_policy[${logs}]` : logs} `,
    );
  }
});

test("the access log names the rule that refuses a connection before its server speaks", {
  skip,
}, async () => {
  await save(...RULES);
  await until("/admin", { status: 403 });
  const [denied, unlisted] = ["ns[test]-policy[deny]-rule[1]", "none"].map(
    (rule) => `rbac_access_denied_matched_policy[${rule}]`,
  );
  await eventually(async () => {
    for (const port of [9000, 9001]) {
      const { received } = await client.tcp({ host: "echo", port, until: "hello", timeoutMs: 3_000 });
      assert.equal(received, "");
    }
  });
  await untilLogged(`${denied}`, ":9000 ");
  await untilLogged(`${unlisted}`, ":9001 ");
});

test("a refused caller is told the rule where a policy asks for it", { skip }, async () => {
  await save(...RULES.map((each) => (each.name === "allow" ? { ...each, explains: "sidecars" } : each)));
  await until("/admin", { status: 403, says: CASES[0].says });
  for (const { path, says, ...rest } of CASES) {
    const { headers } = await client.request({ url: `http://echo${path}`, ...rest });
    assert.equal(headers[HEADER], says);
  }
  const { status, headers } = await client.request("http://echo/ok");
  assert.deepEqual([status, headers[HEADER]], [200, undefined]);
  await save(...RULES);
  await until("/admin", { status: 403 });
});

test("a gateway tells strangers nothing of workloads, and of itself only where it is named", {
  skip,
}, async () => {
  const machine = mesh.machineClient();
  const url = await mesh.gatewayUrl(80);
  const closed = {
    name: "edge",
    selector: "istio: ingressgateway",
    spec: `action: DENY\n  rules: [{to: [{operation: {paths: ["/closed"]}}]}]`,
  };
  const answers = (path: string, says: string | undefined) =>
    eventually(async () => {
      const { status, headers } = await machine.request(`${url}${path}`);
      assert.deepEqual([status, headers[HEADER]], [403, says]);
    });
  await save(...RULES.map((each) => ({ ...each, explains: "sidecars" })), {
    ...closed,
    explains: "sidecars",
  });
  await until("/admin", { status: 403, says: CASES[0].says });
  await answers("/admin", undefined);
  await answers("/closed", undefined);
  await save({ ...closed, explains: "sidecars, gateways" });
  await answers("/closed", "AuthorizationPolicy test/edge rules[0]");
});
