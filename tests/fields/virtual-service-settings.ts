// Where the fields of VirtualServices matter.

import { type FieldSetting, type KindSettings, yaml } from "./field-settings.ts";

/** `rule` is in YAML's flow style; it goes to web unless it says otherwise. */
function http(rule: string, { goesOn = true } = {}): unknown {
  const route = goesOn ? `${rule === "" ? "" : `${rule}, `}route: [{ destination: { host: web } }]` : rule;
  return yaml(`{ hosts: [web], gateways: [mesh, edge/edge], http: [{ ${route} }] }`);
}

function tls(match: string, route = "destination: { host: other, port: { number: 9000 } }"): unknown {
  const routes = `tls: [{ match: [{ sniHosts: [web]${match} }], route: [{ ${route} }] }]`;
  return yaml(`{ hosts: [web], gateways: [mesh, edge/edge], ${routes} }`);
}

function tcp(match: string, route = "destination: { host: other, port: { number: 9000 } }"): unknown {
  const routes = `tcp: [{ match: [{ port: 9000${match} }], route: [{ ${route} }] }]`;
  return yaml(`{ hosts: [web], gateways: [mesh, edge/edge], ${routes} }`);
}

const TWO_BY_TCP =
  "destination: { host: web, port: { number: 9000 } } }, { destination: { host: other, port: { number: 9000 } }, weight: 20";

const ofConnections: readonly FieldSetting[] = (
  [
    ["tls", tls],
    ["tcp", tcp],
  ] as const
).flatMap(([kind, spec]): FieldSetting[] => {
  const field = (end: string) => new RegExp(`spec\\.${kind}\\[\\]\\.${end}`);
  const toWeb = spec("", "destination: { host: web, port: { number: 9000 } }");
  return [
    {
      fields: field("match.*\\.destinationSubnets"),
      spec: spec(""),
      values: [["10.1.0.0/16"], ["10.2.0.0/16"]],
    },
    { fields: field("match.*\\.port"), spec: spec(""), values: [443, 9000] },
    {
      fields: field("match.*\\.sourceLabels"),
      spec: spec(", sourceLabels: { app: a }"),
      values: ["web", "client"],
    },
    { fields: field("match.*\\.gateways"), spec: spec(""), values: [["mesh"], ["edge/edge"]] },
    { fields: field("match.*\\.sourceSubnet"), spec: spec(""), values: ["10.1.0.0/16"] },
    { fields: field("match.*\\.sourceNamespace"), spec: spec(""), values: ["shop", "other"] },
    { fields: field("route.*\\.host"), spec: spec(""), values: ["web", "other"] },
    { fields: field("route.*\\.subset"), spec: toWeb, values: ["v1", "v2"] },
    { fields: field("route.*\\.port"), spec: toWeb, values: [80, 9000] },
    { fields: field("route.*\\.weight"), spec: spec("", TWO_BY_TCP) },
  ];
});

export const virtualServiceSettings: KindSettings = {
  kind: "VirtualService",
  apiVersion: "networking.istio.io/v1",
  metadata: { name: "web", namespace: "shop" },
  spec: http(""),
  settings: [
    { fields: /spec\.hosts$/, values: [["web"], ["other"]] },
    { fields: /(spec|http.*)\.gateways$/, values: [["mesh"], ["edge/edge"]] },
    { fields: /exportTo$/, values: [["."], ["*"]] },
    {
      fields: /tls\[\]\.match\[\]\.sniHosts/,
      spec: yaml(
        "{ hosts: [web, web.shop], tls: [{ match: [{}], route: [{ destination: { host: other, port: { number: 80 } } }] }] }",
      ),
      values: [["web"], ["web.shop"]],
    },
    ...ofConnections,
    { fields: /match\[\]\.sourceNamespace$/, values: ["shop", "other"] },
    {
      fields: /match\[\]\.sourceLabels/,
      spec: http("match: [{ sourceLabels: { app: a } }]"),
      values: ["web", "client"],
    },
    { fields: /ignoreUriCase/, spec: http("match: [{ uri: { exact: /a } }]") },
    { fields: /uri\.(exact|prefix|regex)$/, values: ["/a", "/b"] },
    {
      fields: /http\[\]\.route\[\]\.weight$/,
      spec: http("route: [{ destination: { host: web } }, { destination: { host: other }, weight: 10 }]", {
        goesOn: false,
      }),
    },
    {
      fields: /mirrors.*\.subset$/,
      spec: http("mirrors: [{ destination: { host: web } }]"),
      values: ["v1", "v2"],
    },
    { fields: /\.subset$/, spec: http("mirror: { host: web }"), values: ["v1", "v2"] },
    { fields: /destination\.host$|mirror\.host$/, values: ["web", "other"] },
    { fields: /mirrors/, spec: http("mirrors: [{ destination: { host: web } }]") },
    { fields: /mirror/, spec: http("mirror: { host: web }") },
    { fields: /redirectCode/, spec: http("redirect: { uri: /a }", { goesOn: false }), values: [302, 307] },
    {
      fields: /redirect\.scheme/,
      spec: http("redirect: { uri: /a }", { goesOn: false }),
      values: ["http", "https"],
    },
    { fields: /redirect\.(uri|prefixRewrite)/, spec: http("redirect: { scheme: https }", { goesOn: false }) },
    { fields: /redirect/, spec: http("redirect: { uri: /a, scheme: https }", { goesOn: false }) },
    {
      fields: /directResponse\.status/,
      spec: http("directResponse: { status: 200 }", { goesOn: false }),
      values: [200, 503],
    },
    { fields: /directResponse/, spec: http("directResponse: { status: 200 }", { goesOn: false }) },
    {
      fields: /delegate\.name$/,
      spec: http("delegate: { name: part-a }", { goesOn: false }),
      values: ["part-a", "part-b"],
    },
    {
      fields: /delegate\.namespace$/,
      spec: http("delegate: { name: part-a }", { goesOn: false }),
      values: ["shop", "other"],
    },
    { fields: /uriRegexRewrite/, spec: http("rewrite: { uriRegexRewrite: { match: a, rewrite: b } }") },
    { fields: /retries\.retryOn/, spec: http("retries: { attempts: 3 }"), values: ["5xx", "reset"] },
    { fields: /retries\./, spec: http("retries: { attempts: 3 }") },
    { fields: /exponentialDelay|http2Error/, spec: http("") },
    { fields: /fault\.delay/, spec: http("fault: { delay: { fixedDelay: 3s } }") },
    { fields: /abort\.httpStatus/, values: [400, 503] },
    { fields: /abort\.grpcStatus/, values: ["UNAVAILABLE", "ABORTED"] },
    { fields: /fault\.abort/, spec: http("fault: { abort: { httpStatus: 503 } }") },
    {
      fields: /allowMethods/,
      spec: http("corsPolicy: { allowOrigins: [{ exact: a }] }"),
      values: [["GET"], ["PUT"]],
    },
    {
      fields: /unmatchedPreflights/,
      spec: http("corsPolicy: { allowOrigins: [{ exact: a }] }"),
      same: [["UNSPECIFIED", "FORWARD"]],
    },
    {
      fields: /corsPolicy\.(allow(Headers|Credentials)|expose|max)/,
      spec: http("corsPolicy: { allowOrigins: [{ exact: a }] }"),
    },
  ],
};
