// Where the fields of AuthorizationPolicies and RequestAuthentications matter.

import { each, type FieldSetting, type KindSettings, yaml } from "./field-settings.ts";

/** `rule` and `more` are in YAML's flow style; the policy is for the web pods. */
function policy(rule: string, more = ""): unknown {
  return yaml(`{ selector: { matchLabels: { app: web } }, ${more} rules: [{ ${rule} }] }`);
}

/** A pod that runs a Gateway. */
const RUNS_GATEWAY = `
apiVersion: v1
kind: Pod
metadata: { name: web-1, namespace: shop, uid: uid-web-1, labels: { app: web, gateway.networking.k8s.io/gateway-name: some } }
spec: { nodeName: near, containers: [{ name: app }] }
status: { podIP: 10.244.0.1, phase: Running }
`;

const GATEWAY_API = "gateway.networking.k8s.io";

/** `more` is in YAML's flow style. */
export function targetSettings(more: string): readonly FieldSetting[] {
  return [
    { part: "targetRef", inList: false },
    { part: "targetRefs\\[\\]", inList: true },
  ].flatMap(({ part, inList }) => {
    const specOf = (target: string) =>
      yaml(inList ? `{ targetRefs: [{ ${target} }], ${more} }` : `{ targetRef: { ${target} }, ${more} }`);
    const setting = (field: string, wanted: Omit<FieldSetting, "fields">) => ({
      fields: new RegExp(`${part}\\.${field}$`),
      spec: specOf(`group: ${GATEWAY_API}, kind: Gateway, name: some`),
      beside: RUNS_GATEWAY,
      ...wanted,
    });
    // No kind is in two of the groups that a target may have.
    const groups = [
      [GATEWAY_API, specOf(`group: ${GATEWAY_API}, kind: Gateway, name: some`)],
      ["networking.istio.io", specOf("group: networking.istio.io, kind: ServiceEntry, name: some")],
    ] as const;
    return [
      setting("group", { specs: groups }),
      setting("kind", { values: ["Gateway", "GatewayClass"] }),
      setting("name", { values: ["some", "other"] }),
      setting("namespace", { refused: ["shop", "other"] }),
    ];
  });
}

const ASKED = `
apiVersion: mesh.meltemi.dev/v1
kind: MeshConfig
metadata: { name: mesh }
spec: { extensionProviders: [{ name: some, envoyExtAuthzHttp: { service: web.shop.svc.cluster.local, port: 80 } }, { name: other, envoyExtAuthzHttp: { service: other.shop.svc.cluster.local, port: 80 } }] }
`;

function values(fields: RegExp, one: string, other: string): FieldSetting {
  return { fields, values: [[one], [other]] };
}

export const authorizationPolicySettings: KindSettings = {
  kind: "AuthorizationPolicy",
  apiVersion: "security.istio.io/v1",
  metadata: { name: "own", namespace: "shop" },
  spec: policy(""),
  settings: [
    {
      fields: /selector/,
      spec: yaml("{ selector: { matchLabels: { app: a } } }"),
      values: ["web", "client"],
    },
    ...targetSettings("rules: [{}]"),
    values(/IpBlocks|ipBlocks/, "10.1.0.0/16", "10.2.0.0/16"),
    values(/operation\.(ports|notPorts)/, "8080", "8090"),
    {
      fields: /when\[\]\.key/,
      specs: each(["request.headers[some]", "request.headers[other]"], (key) =>
        policy(`when: [{ key: "${key}", values: [a] }]`),
      ),
    },
    { fields: /when\[\]/, spec: policy('when: [{ key: "request.headers[some]", values: [a] }]') },
    { fields: /spec\.provider\.name/, spec: policy("", "action: CUSTOM,"), beside: ASKED },
    {
      fields: /spec\.action/,
      specs: each(["ALLOW", "DENY", "AUDIT", "CUSTOM"], (action) =>
        policy("", `action: ${action}, ${action === "CUSTOM" ? "provider: { name: some }," : ""}`),
      ),
      beside: ASKED,
    },
  ],
};

const KEYS = `jwks: '{"keys":[{"kty":"oct","k":"c29tZQ"}]}'`;
const RULES = `jwtRules: [{ issuer: "https://some.example.com", ${KEYS} }]`;

/** `settings` are those of the rule, in YAML's flow style. */
function token(settings: string): unknown {
  return yaml(
    `{ selector: { matchLabels: { app: web } }, jwtRules: [{ issuer: "https://some.example.com", ${settings} }] }`,
  );
}

export const requestAuthenticationSettings: KindSettings = {
  kind: "RequestAuthentication",
  apiVersion: "security.istio.io/v1",
  metadata: { name: "own", namespace: "shop" },
  spec: token(KEYS),
  settings: [
    {
      fields: /selector/,
      spec: yaml(`{ selector: { matchLabels: { app: a } }, ${RULES} }`),
      values: ["web", "client"],
    },
    ...targetSettings(RULES),
    {
      fields: /jwks$/,
      values: ["c29tZQ", "b3RoZXI"].map((k) => JSON.stringify({ keys: [{ kty: "oct", k }] })),
    },
    // The scene holds keys of both.
    {
      fields: /jwksUri/,
      spec: token(""),
      values: ["https://some.example.com/keys", "https://other.example.com/keys"],
    },
    { fields: /timeout/, spec: token('jwksUri: "https://some.example.com/keys"') },
    { fields: /fromHeaders\[\]\.prefix/, spec: token(`${KEYS}, fromHeaders: [{ name: some }]`) },
    {
      fields: /outputClaimToHeaders/,
      spec: token(`${KEYS}, outputClaimToHeaders: [{ header: a, claim: b }]`),
    },
  ],
};
