// Where the fields of DestinationRules matter.

import { each, type FieldSetting, type KindSettings, yaml } from "./field-settings.ts";

/** `policy` is in YAML's flow style. */
function rule(policy: string): unknown {
  return yaml(`{ host: web, trafficPolicy: { ${policy} } }`);
}

function balancing(settings: string, more = ""): unknown {
  return rule(`${more}loadBalancer: { ${settings} }`);
}

const EJECTING = "outlierDetection: { interval: 1s }, ";

export const localitySpecs = (spec: (setting: string) => unknown): readonly FieldSetting[] => [
  {
    fields: /localityLbSetting\.distribute\[\]\.from/,
    specs: each(["r1", "r2"], (from) => spec(`distribute: [{ from: ${from}, to: { r1: 90, r2: 10 } }]`)),
  },
  {
    fields: /localityLbSetting\.distribute\[\]\.to/,
    specs: each([10, 20], (share) =>
      spec(`distribute: [{ from: r1, to: { r1: ${share}, r2: ${100 - share} } }]`),
    ),
  },
  {
    fields: /localityLbSetting\.failover\[\]\.from/,
    specs: each(["r1", "r3"], (from) => spec(`failover: [{ from: ${from}, to: r4 }]`)),
  },
  {
    fields: /localityLbSetting\.failover\[\]\.to/,
    specs: each(["r2", "r4"], (to) => spec(`failover: [{ from: r1, to: ${to} }]`)),
  },
  {
    fields: /localityLbSetting\.failoverPriority/,
    specs: each(["topology.kubernetes.io/region", "version"], (label) =>
      spec(`failoverPriority: [${label}]`),
    ),
  },
  { fields: /localityLbSetting\.enabled/, specs: each([true, false], (isOn) => spec(`enabled: ${isOn}`)) },
];

const MUTUAL = "mode: MUTUAL, clientCertificate: /c.pem, privateKey: /k.pem, caCertificates: /ca.pem";

export const destinationRuleSettings: KindSettings = {
  kind: "DestinationRule",
  apiVersion: "networking.istio.io/v1",
  metadata: { name: "web", namespace: "shop" },
  spec: yaml("{ host: web, subsets: [{ name: v1, labels: { version: v1 } }] }"),
  settings: [
    { fields: /spec\.host$/, values: ["web", "other"] },
    { fields: /exportTo$/, values: [["."], ["*"]] },
    {
      fields: /workloadSelector/,
      spec: yaml(
        "{ host: web, workloadSelector: { matchLabels: { app: a } }, trafficPolicy: { loadBalancer: { simple: RANDOM } } }",
      ),
      values: ["web", "client"],
    },
    { fields: /subsets\[\]\.labels/, values: ["v1", "v2"] },
    { fields: /loadBalancer\.simple/, same: [["UNSPECIFIED", "LEAST_CONN", "LEAST_REQUEST"]] },
    {
      fields: /ringHash|consistentHash\.minimumRingSize/,
      spec: balancing("consistentHash: { useSourceIp: true }"),
    },
    { fields: /maglev/, spec: balancing("consistentHash: { useSourceIp: true }"), values: [101, 103] },
    {
      fields: /httpCookie/,
      spec: balancing("consistentHash: { httpCookie: { name: a, ttl: 1s, attributes: [{ name: a }] } }"),
    },
    ...localitySpecs((setting) => balancing(`localityLbSetting: { ${setting} }`, EJECTING)),
    { fields: /warmupDurationSecs/, spec: balancing("simple: ROUND_ROBIN") },
    { fields: /warmup/, spec: balancing("simple: ROUND_ROBIN, warmup: { duration: 5s }") },
    {
      fields: /http2KeepAlive/,
      spec: rule("connectionPool: { http: { http2KeepAlive: { interval: 5s, timeout: 5s } } }"),
    },
    { fields: /h2UpgradePolicy/, same: [["DEFAULT", "DO_NOT_UPGRADE"]] },
    {
      fields: /consecutiveLocalOriginFailures/,
      spec: rule("outlierDetection: { splitExternalLocalOriginErrors: true }"),
    },
    { fields: /HttpErrorCodes|failurePercentage/, spec: rule("outlierDetection: { interval: 1s }") },
    {
      fields: /tunnel/,
      spec: balancing("simple: RANDOM"),
      specs: each(["a.example.com", "b.example.com"], (host) =>
        balancing("simple: RANDOM", `tunnel: { targetHost: ${host}, targetPort: 80 }, `),
      ),
    },
    { fields: /tls\.mode/, spec: rule(`tls: { ${MUTUAL} }`) },
    {
      fields: /tls\.(clientCertificate|privateKey)/,
      spec: rule(`tls: { ${MUTUAL} }`),
      values: ["/a.pem", "/b.pem"],
    },
    {
      fields: /tls\.credentialName/,
      spec: yaml(
        "{ host: web, workloadSelector: { matchLabels: { app: client } }, trafficPolicy: { tls: { mode: SIMPLE } } }",
      ),
    },
    { fields: /trafficPolicy\.tls/, spec: rule("tls: { mode: SIMPLE }") },
    {
      fields: /portLevelSettings/,
      spec: rule("portLevelSettings: [{ port: { number: 80 }, loadBalancer: { simple: RANDOM } }]"),
    },
  ],
};
