// Where the fields of MeshConfig and PeerAuthentications matter.

import { localitySpecs } from "./destination-rule-settings.ts";
import { type KindSettings, yaml } from "./field-settings.ts";

export const peerAuthenticationSettings: KindSettings = {
  kind: "PeerAuthentication",
  apiVersion: "security.istio.io/v1",
  metadata: { name: "own", namespace: "shop" },
  spec: yaml("{ selector: { matchLabels: { app: web } } }"),
  settings: [
    {
      fields: /selector/,
      spec: yaml("{ selector: { matchLabels: { app: a } }, mtls: { mode: STRICT } }"),
      values: ["web", "client"],
    },
    {
      fields: /portLevelMtls/,
      spec: yaml(
        "{ selector: { matchLabels: { app: web } }, mtls: { mode: STRICT }, portLevelMtls: { 8080: { mode: STRICT } } }",
      ),
      same: [["UNSET", "STRICT"]],
    },
    { fields: /mtls\.mode/, same: [["UNSET", "PERMISSIVE"]] },
  ],
};

const LOOKED_UP = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: looked-up, namespace: shop }
spec: { hosts: [looked-up.example.com], resolution: DNS, ports: [{ number: 80, name: http, protocol: HTTP }] }
`;

const ORIGINATES_TLS = `${LOOKED_UP}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: looked-up, namespace: shop }
spec: { host: looked-up.example.com, trafficPolicy: { tls: { mode: SIMPLE } } }
`;

const EJECTING_RULE = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: web, namespace: shop }
spec: { host: web, trafficPolicy: { outlierDetection: { interval: 1s } } }
`;

const ROUTE = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: web, namespace: shop }
spec: { hosts: [web], http: [{ timeout: 3s, route: [{ destination: { host: web } }] }] }
`;

const POLICY_OF_ROOT = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: other }
spec: { mtls: { mode: STRICT } }
`;

const ASKS_PROVIDER = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: asks, namespace: shop }
spec: { action: CUSTOM, provider: { name: asked }, rules: [{ to: [{ operation: { paths: [/a] } }] }] }
`;

const NAMES_A_PRINCIPAL = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: named, namespace: shop }
spec: { rules: [{ from: [{ source: { principals: [cluster.local/ns/shop/sa/default] } }] }] }
`;

/** A provider that spans go to. */
function tracer(type: string, settings = ""): unknown {
  const server = "service: web.shop.svc.cluster.local, port: 80";
  return yaml(
    `{ defaultProviders: { tracing: [some] }, extensionProviders: [{ name: some, ${type}: { ${server}${settings} } }] }`,
  );
}

/** A provider that logs go to. */
function logger(type: string, settings = ""): unknown {
  const server = "service: web.shop.svc.cluster.local, port: 80";
  return yaml(
    `{ defaultProviders: { accessLogging: [some] }, extensionProviders: [{ name: some, ${type}: { ${server}${settings} } }] }`,
  );
}

/** ProxyConfig's own. */
const proxyTracer = (settings = "") =>
  yaml(`{ defaultConfig: { tracing: { zipkin: { address: "web.shop:80" }${settings} } } }`);

const SERVICES = ["web.shop.svc.cluster.local", "other.shop.svc.cluster.local"];

const tracingSettings = [
  { fields: /enableTracing/, spec: proxyTracer() },
  {
    fields: /defaultProviders\.tracing/,
    spec: yaml(
      "{ extensionProviders: [{ name: some, zipkin: { service: web.shop.svc.cluster.local, port: 80 } }, { name: other, opentelemetry: { service: web.shop.svc.cluster.local, port: 80 } }] }",
    ),
    values: [["some"], ["other"]],
  },
  { fields: /defaultConfig\.tracing\.(zipkin|datadog)\.address/, values: ["web.shop:80", "other.shop:80"] },
  ...["literal: { value: some }", "environment: { name: some }", "header: { name: some }"].map((source) => ({
    fields: new RegExp(`defaultConfig\\.tracing\\.customTags\\.\\*\\.${source.split(":")[0]}`),
    spec: proxyTracer(`, customTags: { some: { ${source} } }`),
    values: ["some", "other"],
  })),
  { fields: /defaultConfig\.tracing\.(lightstep|stackdriver|openCensusAgent)/ },
  { fields: /defaultConfig\.tracing/, spec: proxyTracer() },
  ...["zipkin", "datadog", "skywalking"].flatMap((type) => [
    { fields: new RegExp(`\\]\\.${type}\\.service`), spec: tracer(type), values: SERVICES },
    { fields: new RegExp(`\\]\\.${type}\\.headers`), spec: tracer(type, ", headers: [{ name: some }]") },
    {
      fields: new RegExp(`\\]\\.${type}\\.port`),
      spec: tracer(type),
      values: [80, 81],
    },
    { fields: new RegExp(`\\]\\.${type}\\.`), spec: tracer(type) },
  ]),
  ...[
    { name: "service", values: SERVICES },
    { name: "port", values: [80, 81] },
  ].map(({ name, values }) => ({
    fields: new RegExp(`dynatraceSampler\\.httpService\\.${name}`),
    spec: tracer(
      "opentelemetry",
      ", http: { path: /a }, dynatraceSampler: { tenant: a, httpService: { service: web.shop.svc.cluster.local, port: 80, http: { path: /a } } }",
    ),
    values,
  })),
  {
    fields: /dynatraceSampler\.httpService/,
    spec: tracer(
      "opentelemetry",
      ", http: { path: /a }, dynatraceSampler: { tenant: a, httpService: { service: web.shop.svc.cluster.local, port: 80, http: { path: /a, headers: [{ name: some }] } } }",
    ),
  },
  {
    fields: /dynatraceSampler/,
    spec: tracer("opentelemetry", ", http: { path: /a }, dynatraceSampler: { tenant: a }"),
  },
  {
    fields: /opentelemetry\.http/,
    spec: tracer("opentelemetry", ", http: { path: /a, headers: [{ name: some }] }"),
  },
  {
    fields: /opentelemetry\.grpc/,
    spec: tracer("opentelemetry", ", grpc: { initialMetadata: [{ name: some }] }"),
  },
  {
    fields: /resourceDetectors\.dynatrace/,
    // It has no fields: that it is there says all.
    specs: [
      ["there", tracer("opentelemetry", ", resourceDetectors: { dynatrace: {} }")],
      ["absent", tracer("opentelemetry")],
    ] as const,
  },
  {
    fields: /resourceDetectors\.environment/,
    provenBy: {
      file: "tests/e2e/mesh/traces.test.ts",
      test: "tags of each kind, and Istio's",
      because: "it is there in any case, as the service's name comes by it",
    },
  },
  { fields: /opentelemetry\.service/, spec: tracer("opentelemetry"), values: SERVICES },
  { fields: /opentelemetry\.port/, spec: tracer("opentelemetry"), values: [80, 81] },
  { fields: /opentelemetry/, spec: tracer("opentelemetry") },
];

const loggingSettings = [
  ...["envoyHttpAls", "envoyTcpAls", "envoyOtelAls"].flatMap((type) => [
    { fields: new RegExp(`${type}\\.service`), spec: logger(type), values: SERVICES },
    { fields: new RegExp(`${type}\\.port`), spec: logger(type), values: [80, 81] },
    { fields: new RegExp(type), spec: logger(type) },
  ]),
  {
    fields: /enableEnvoyAccessLogService/,
    spec: yaml('{ defaultConfig: { envoyAccessLogService: { address: "web.shop:80" } } }'),
  },
  {
    fields: /envoyAccessLogService\.address/,
    spec: yaml("{ enableEnvoyAccessLogService: true }"),
    values: ["web.shop:80", "other.shop:80"],
  },
  { fields: /envoyAccessLogService/, spec: yaml("{ enableEnvoyAccessLogService: true }") },
];

/** A provider that is asked. */
function provider(type: string): unknown {
  const settings =
    "service: web.shop.svc.cluster.local, port: 80, includeRequestBodyInCheck: { maxRequestBytes: 9 }";
  return yaml(`{ extensionProviders: [{ name: asked, ${type}: { ${settings} } }] }`);
}

export const meshConfigSettings: KindSettings = {
  kind: "MeshConfig",
  apiVersion: "mesh.meltemi.dev/v1",
  metadata: { name: "mesh" },
  spec: {},
  settings: [
    ...tracingSettings,
    ...loggingSettings,
    ...["envoyExtAuthzHttp", "envoyExtAuthzGrpc"].flatMap((type) => {
      const common = { spec: provider(type), beside: ASKS_PROVIDER };
      return [
        {
          ...common,
          fields: new RegExp(`${type}\\.service`),
          values: ["web.shop.svc.cluster.local", "other.shop.svc.cluster.local"],
        },
        { ...common, fields: new RegExp(`${type}\\.statusOnError`), values: ["403", "503"] },
        { ...common, fields: new RegExp(`${type}\\.pathPrefix`), values: ["/a", "/b"] },
        { ...common, fields: new RegExp(type) },
      ];
    }),
    {
      fields: /extensionProviders\[\]\.name/,
      spec: provider("envoyExtAuthzHttp"),
      beside: ASKS_PROVIDER,
      values: ["asked", "unasked"],
    },
    { fields: /trustDomainAliases/, beside: NAMES_A_PRINCIPAL },
    { fields: /ListenPort/, values: [15011, 15012] },
    {
      fields: /defaultProviders\.accessLogging/,
      spec: yaml(
        "{ extensionProviders: [{ name: some, envoyFileAccessLog: {} }, { name: other, envoyFileAccessLog: { path: /tmp/other.log } }] }",
      ),
      values: [["some"], ["other"]],
    },
    { fields: /disableEnvoyListenerLog/, spec: { accessLogFile: "/dev/stdout" } },
    {
      fields: /envoyFileAccessLog/,
      spec: yaml(
        "{ defaultProviders: { accessLogging: [some] }, extensionProviders: [{ name: some, envoyFileAccessLog: { path: /tmp/some.log } }] }",
      ),
    },
    { fields: /accessLog(Format|Encoding)/, spec: { accessLogFile: "/dev/stdout" } },
    {
      fields: /HttpRetryPolicy\.retryOn/,
      spec: yaml(
        "{ defaultHttpRetryPolicy: { attempts: 3 }, defaultInboundHttpRetryPolicy: { attempts: 3 } }",
      ),
      values: ["5xx", "reset"],
    },
    {
      fields: /HttpRetryPolicy/,
      spec: yaml(
        "{ defaultHttpRetryPolicy: { attempts: 3 }, defaultInboundHttpRetryPolicy: { attempts: 3 } }",
      ),
    },
    { fields: /default\w+ExportTo/, values: [["."], ["*"]], beside: ROUTE },
    { fields: /rootNamespace/, values: ["other", "another"], beside: POLICY_OF_ROOT },
    { fields: /dnsRefreshRate/, beside: LOOKED_UP },
    { fields: /outboundTrafficPolicy\.mode/, same: [["ALLOW_ANY", "ALLOW_ANY_DYNAMIC_DNS"]] },
    { fields: /gatewayTopology\.forwardClientCertDetails/, same: [["UNDEFINED", "SANITIZE_SET"]] },
    {
      fields: /gatewayTopology\.proxyProtocol/,
      // It has no fields: that it is there says all.
      specs: [
        ["there", yaml("{ defaultConfig: { gatewayTopology: { proxyProtocol: {} } } }")],
        ["absent", yaml("{ defaultConfig: {} }")],
      ],
    },
    { fields: /meshMTLS\.minProtocolVersion/, same: [["TLS_AUTO", "TLSV1_2"]] },
    {
      fields: /cipherSuites/,
      beside: ORIGINATES_TLS,
      values: [["ECDHE-ECDSA-AES128-GCM-SHA256"], ["ECDHE-ECDSA-AES256-GCM-SHA384"]],
    },
    { fields: /ecdhCurves/, beside: ORIGINATES_TLS, values: [["P-256"], ["P-384"]] },
    { fields: /pathNormalization/, same: [["DEFAULT", "BASE"]] },
    { fields: /h2UpgradePolicy/, same: [["DEFAULT", "DO_NOT_UPGRADE"]] },
    {
      fields: /consecutiveLocalOriginFailures/,
      spec: yaml("{ defaultTrafficPolicy: { outlierDetection: { splitExternalLocalOriginErrors: true } } }"),
    },
    {
      fields: /HttpErrorCodes|failurePercentage/,
      spec: yaml("{ defaultTrafficPolicy: { outlierDetection: { interval: 1s } } }"),
    },
    ...localitySpecs((setting) => yaml(`{ localityLbSetting: { ${setting} } }`)).map((setting) => ({
      ...setting,
      beside: EJECTING_RULE,
    })),
  ],
};

/** Of what acts on pods and the control plane, not on proxies' config. */
export const podConfigSettings: KindSettings = {
  kind: "MeshConfig",
  apiVersion: "mesh.meltemi.dev/v1",
  metadata: { name: "mesh" },
  spec: {},
  settings: [
    { fields: /discoveryAddress/, values: ["some:15012", "other:15012"] },
    { fields: /imageType/, values: ["debug", "distroless"] },
    { fields: /controlPlaneAuthPolicy/, same: [["MUTUAL_TLS", "INHERIT"]] },
    { fields: /matchLabels/, spec: yaml("{ discoverySelectors: [{ matchLabels: { part: a } }] }") },
    {
      fields: /matchExpressions\[\]\.key/,
      spec: yaml("{ discoverySelectors: [{ matchExpressions: [{ operator: Exists }] }] }"),
      values: ["part", "other"],
    },
    {
      fields: /matchExpressions\[\]\.operator/,
      spec: yaml("{ discoverySelectors: [{ matchExpressions: [{ key: part, values: [some] }] }] }"),
      values: ["In", "NotIn"],
    },
    {
      fields: /matchExpressions\[\]\.values/,
      spec: yaml("{ discoverySelectors: [{ matchExpressions: [{ key: part, operator: In }] }] }"),
    },
  ],
};
