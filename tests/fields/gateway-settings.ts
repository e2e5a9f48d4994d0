// Where the fields of Gateways and ServiceEntries matter.

import { each, type KindSettings, yaml } from "./field-settings.ts";

/** A server of HTTPS whose TLS is in YAML's flow style. */
function https(settings: string): unknown {
  return yaml(
    `{ selector: { app: edge }, servers: [{ port: { number: 8080, name: https, protocol: HTTPS }, hosts: [a.example.com], tls: { ${settings} } }] }`,
  );
}

const PAIR = "serverCertificate: /c.pem, privateKey: /k.pem";
const SIMPLE = `mode: SIMPLE, ${PAIR}`;
const OF_CLIENTS = `mode: MUTUAL, caCertificates: /ca.pem, ${PAIR}`;

const ROUTE_AT_OWN_GATEWAY = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: own, namespace: edge }
spec: { hosts: [a.example.com, b.example.com], gateways: [own], http: [{ route: [{ destination: { host: web.shop.svc.cluster.local } }] }] }
`;

export const gatewaySettings: KindSettings = {
  kind: "Gateway",
  apiVersion: "networking.istio.io/v1",
  metadata: { name: "own", namespace: "edge" },
  spec: yaml(
    "{ selector: { app: edge }, servers: [{ port: { number: 8080, name: http, protocol: HTTP }, hosts: ['*'] }] }",
  ),
  settings: [
    { fields: /spec\.selector/, values: ["edge", "nobody"] },
    {
      fields: /servers\[\]\.hosts/,
      values: [["a.example.com"], ["b.example.com"]],
      beside: ROUTE_AT_OWN_GATEWAY,
    },
    { fields: /servers\[\]\.bind/, values: ["127.0.0.1", "127.0.0.2"] },
    { fields: /port\.protocol/, values: ["HTTP", "TCP"], beside: ROUTE_AT_OWN_GATEWAY },
    { fields: /port\.name/, spec: https(SIMPLE) },
    {
      fields: /httpsRedirect/,
      specs: each(["", ", tls: { httpsRedirect: true }"], (more) =>
        yaml(
          `{ selector: { app: edge }, servers: [{ port: { number: 8080, name: http, protocol: HTTP }, hosts: ['*']${more} }] }`,
        ),
      ),
      beside: ROUTE_AT_OWN_GATEWAY,
    },
    {
      fields: /tls\.mode/,
      specs: [
        ...each(["SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL"], (mode) =>
          https(`mode: ${mode}, caCertificates: /ca.pem, ${PAIR}`),
        ),
        ...each(["ISTIO_MUTUAL", "PASSTHROUGH", "AUTO_PASSTHROUGH"], (mode) => https(`mode: ${mode}`)),
      ],
      same: [["PASSTHROUGH", "AUTO_PASSTHROUGH"]],
    },
    {
      fields: /tlsCertificates/,
      spec: https(`mode: SIMPLE, tlsCertificates: [{ ${PAIR} }]`),
      values: ["/a.pem", "/b.pem"],
    },
    { fields: /minProtocolVersion/, spec: https(SIMPLE), same: [["TLS_AUTO", "TLSV1_2"]] },
    { fields: /maxProtocolVersion/, spec: https(SIMPLE) },
    {
      fields: /cipherSuites/,
      spec: https(SIMPLE),
      values: [["ECDHE-RSA-AES128-GCM-SHA256"], ["ECDHE-RSA-AES256-GCM-SHA384"]],
    },
    { fields: /ecdhCurves/, spec: https(SIMPLE), values: [["P-256"], ["P-384"]] },
    {
      fields: /verifyCertificateSpki/,
      spec: https(OF_CLIENTS),
      values: [[`${"A".repeat(43)}=`], [`${"B".repeat(43)}=`]],
    },
    {
      fields: /verifyCertificateHash/,
      spec: https(OF_CLIENTS),
      values: [["a".repeat(64)], ["b".repeat(64)]],
    },
    { fields: /caCertCredentialName/, spec: https("mode: MUTUAL, credentialName: some") },
    { fields: /credentialNames?$/, spec: https("mode: SIMPLE") },
    { fields: /insecureSkipVerify/, spec: https(OF_CLIENTS), values: [true] },
    { fields: /servers\[\]\.tls/, spec: https(OF_CLIENTS) },
  ],
};

function entry(more: string): unknown {
  return yaml(
    `{ hosts: [outside.example.com], ports: [{ number: 80, name: http, protocol: HTTP }], ${more} }`,
  );
}

const SUBSETS_OF_OUTSIDE = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: outside, namespace: shop }
spec: { host: outside.example.com, subsets: [{ name: v1, labels: { version: some } }] }
`;

const TLS_TO_OUTSIDE = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: outside, namespace: shop }
spec: { host: outside.example.com, trafficPolicy: { tls: { mode: SIMPLE } } }
`;

export const serviceEntrySettings: KindSettings = {
  kind: "ServiceEntry",
  apiVersion: "networking.istio.io/v1",
  metadata: { name: "outside", namespace: "shop" },
  spec: entry("resolution: STATIC, endpoints: [{ address: 10.9.0.1 }]"),
  settings: [
    { fields: /spec\.hosts/, values: [["a.example.com"], ["b.example.com"]] },
    { fields: /spec\.addresses/, values: [["10.8.0.1"], ["10.8.0.2"]] },
    {
      fields: /ports\[\]\.name/,
      specs: each(["some", "other"], (name) => {
        const second = name === "some" ? "other" : "some";
        const ports = [
          [80, name],
          [81, second],
        ].map(([number, port]) => `{ number: ${number}, name: ${port}, protocol: HTTP }`);
        return yaml(
          `{ hosts: [outside.example.com], resolution: STATIC, ports: [${ports}], endpoints: [{ address: 10.9.0.1, ports: { some: 8080 } }] }`,
        );
      }),
    },
    { fields: /ports\[\]\.protocol/, values: ["HTTP", "TCP"] },
    { fields: /exportTo$/, values: [["."], ["*"]] },
    { fields: /endpoints\[\]\.address/, values: ["10.9.0.2", "10.9.0.3"] },
    {
      fields: /endpoints\[\]\.ports/,
      spec: entry("resolution: STATIC, endpoints: [{ address: 10.9.0.1, ports: { http: 8080 } }]"),
      values: [8081, 8082],
    },
    {
      fields: /endpoints\[\]\.labels/,
      spec: entry("resolution: STATIC, endpoints: [{ address: 10.9.0.1, labels: { version: v1 } }]"),
      beside: SUBSETS_OF_OUTSIDE,
    },
    { fields: /endpoints\[\]\.locality/, values: ["r1/z1", "r2/z2"] },
    {
      fields: /subjectAltNames/,
      beside: TLS_TO_OUTSIDE,
    },
    {
      fields: /endpoints\[\]\.serviceAccount/,
      spec: entry(
        "location: MESH_INTERNAL, resolution: STATIC, endpoints: [{ address: 10.9.0.1, labels: { security.istio.io/tlsMode: istio } }]",
      ),
    },
    {
      fields: /workloadSelector/,
      spec: entry("location: MESH_INTERNAL, resolution: STATIC, workloadSelector: { labels: { app: a } }"),
      values: ["web", "client"],
    },
    {
      fields: /spec\.resolution/,
      specs: [
        ...each(["STATIC", "NONE", "DNS", "DNS_ROUND_ROBIN"], (resolution) =>
          entry(`resolution: ${resolution}`),
        ),
        ...each(["DYNAMIC_DNS", "NONE of a wildcard"], (resolution) =>
          yaml(
            `{ hosts: ["*.example.com"], ports: [{ number: 80, name: http, protocol: HTTP }], resolution: ${resolution.split(" ")[0]} }`,
          ),
        ),
      ],
      same: [["DYNAMIC_DNS", "NONE of a wildcard"]],
    },
  ],
};
