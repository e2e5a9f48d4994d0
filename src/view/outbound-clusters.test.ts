import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { keyedCertificate } from "../../tests/support/keyed-certificate-fixture.ts";
import { layerNames, seen, sidecar, viewFixture } from "../../tests/support/view-fixture.ts";
import type { Provenance } from "./provenance.ts";

const WEB = `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { clusterIP: 10.96.0.1, selector: { app: web }, ports: [{ name: http, port: 80 }] }
`;
const CLUSTER = "outbound|80||web.shop.svc.cluster.local";

describe("outbound clusters of several ServiceEntries for one host", () => {
  const port = (number: number) => `{ number: ${number}, name: http-${number}, protocol: HTTP }`;
  const entry = (name: string, day: number, ports: string) => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${name}, namespace: shop, creationTimestamp: "2026-01-0${day}T00:00:00Z" }
spec: { hosts: [a.com], resolution: STATIC, endpoints: [{ address: 1.1.1.${day} }], ports: [${ports}] }
`;

  test("name those of them that have the port, the oldest first", () => {
    const mesh = viewFixture(
      [entry("old", 1, port(80)), entry("young", 2, `${port(80)}, ${port(81)}`)].join("---"),
    );
    const provenanceOf = (table: "clusters" | "endpoints", number: number) =>
      seen<{ readonly provenance: Provenance }>(
        mesh.views[table],
        "",
        `outbound|${number}||a.com`,
      )?.provenance.map(({ object }) => object);
    for (const table of ["clusters", "endpoints"] as const) {
      assert.deepEqual(provenanceOf(table, 80), ["ServiceEntry/shop/old", "ServiceEntry/shop/young"]);
      assert.deepEqual(provenanceOf(table, 81), ["ServiceEntry/shop/young"]);
    }
    const routes = seen(mesh.views.virtualHosts.table, "", "81 a.com:81")?.routes;
    assert.deepEqual(routes?.[0]?.provenance, [{ object: "ServiceEntry/shop/young" }]);
  });
});

describe("outbound clusters", () => {
  test("are one for each port and subset, for everybody at once", () => {
    const mesh = viewFixture(`${WEB}---${rule("shop", "{ host: web, subsets: [{ name: v1 }] }")}`);
    mesh.connect(sidecar("shop", "a"), sidecar("other", "b"));
    assert.deepEqual(layerNames(mesh.views.clusters, ""), [
      "outbound|80|v1|web.shop.svc.cluster.local",
      CLUSTER,
    ]);
    assert.deepEqual(layerNames(mesh.views.clusters, "shop"), []);
  });

  test("differ only in the scope of a private rule", () => {
    const mesh = viewFixture(
      `${WEB}---${rule("other", "{ host: web.shop.svc.cluster.local, exportTo: ['.'], trafficPolicy: { tls: { mode: DISABLE } } }")}`,
    );
    mesh.connect(sidecar("shop", "a"), sidecar("other", "b"));
    assert.deepEqual(layerNames(mesh.views.clusters, "other"), [CLUSTER]);
    assert.deepEqual(layerNames(mesh.views.clusters, "shop"), []);
    assert.deepEqual(seen(mesh.views.clusters, "other", CLUSTER)?.tls, { kind: "plaintext" });
    assert.equal(seen(mesh.views.clusters, "shop", CLUSTER)?.tls.kind, "automatic");
  });

  test("are taken away from a scope whose private rule lacks a subset of the mesh's", () => {
    const mesh = viewFixture(
      [
        WEB,
        rule("shop", "{ host: web, subsets: [{ name: v1 }] }"),
        rule("other", "{ host: web.shop.svc.cluster.local, exportTo: ['.'] }"),
      ].join("---"),
    );
    mesh.connect(sidecar("other", "b"));
    assert.ok(
      layerNames(mesh.views.clusters, "other").includes("-outbound|80|v1|web.shop.svc.cluster.local"),
    );
  });

  test("of a private service are its namespaces' alone", () => {
    const mesh = viewFixture(
      WEB.replace("namespace: shop", 'namespace: shop, annotations: { networking.istio.io/exportTo: "." }'),
    );
    mesh.connect(sidecar("shop", "a"), sidecar("other", "b"));
    assert.deepEqual(layerNames(mesh.views.clusters, ""), []);
    assert.deepEqual(layerNames(mesh.views.clusters, "shop"), [CLUSTER]);
    assert.deepEqual(layerNames(mesh.views.clusters, "other"), []);
  });

  test("lose a scope's rows when its last proxy goes", () => {
    const mesh = viewFixture(
      `${WEB}---${rule("other", "{ host: web.shop.svc.cluster.local, exportTo: ['.'], trafficPolicy: { tls: { mode: DISABLE } } }")}`,
    );
    mesh.connect(sidecar("other", "b"));
    assert.deepEqual(layerNames(mesh.views.clusters, "other"), [CLUSTER]);
    mesh.disconnect("other/b");
    assert.deepEqual(layerNames(mesh.views.clusters, "other"), []);
  });

  test("with a rule for chosen clients are those clients' scope's", () => {
    const mesh = viewFixture(
      `${WEB}---${rule("shop", "{ host: web, workloadSelector: { matchLabels: { app: a } }, trafficPolicy: { tls: { mode: DISABLE } } }")}`,
    );
    mesh.connect(sidecar("shop", "a", { app: "a", version: "v1" }), sidecar("shop", "b", { version: "v1" }));
    assert.deepEqual(layerNames(mesh.views.clusters, "shop;app=a"), [CLUSTER]);
    assert.deepEqual(layerNames(mesh.views.clusters, "shop"), []);
  });

  test("ask for the server name that a rule gives beside ISTIO_MUTUAL, else for their own", () => {
    const policy = (sni: string) => `trafficPolicy: { tls: { mode: ISTIO_MUTUAL${sni} } }`;
    const subsets = `subsets: [{ name: v1, ${policy(", sni: site.example")} }]`;
    const mesh = viewFixture(`${WEB}---${rule("shop", `{ host: web, ${policy("")}, ${subsets} }`)}`);
    const serverName = (subset: string) => {
      const tls = seen(mesh.views.clusters, "", CLUSTER.replace("||", `|${subset}|`))?.tls;
      return tls?.kind === "mesh" ? tls.serverName : undefined;
    };
    assert.deepEqual(
      [serverName(""), serverName("v1")],
      ["outbound_.80_._.web.shop.svc.cluster.local", "site.example"],
    );
  });

  test("wait for the Secret that their TLS needs", () => {
    const mesh = viewFixture(
      `${WEB}---${rule("shop", "{ host: web, trafficPolicy: { tls: { mode: MUTUAL, credentialName: cert } } }")}`,
    );
    mesh.connect({ ...sidecar("shop", "a"), kind: "router" });
    assert.equal(seen(mesh.views.clusters, "shop;@gateway", CLUSTER), undefined);
    const { certificatePem: cert, keyPem: key } = keyedCertificate();
    const putSecret = (stringData: object) =>
      mesh.put(
        `{ apiVersion: v1, kind: Secret, metadata: { name: cert, namespace: shop }, stringData: ${JSON.stringify(stringData)} }`,
      );
    putSecret({ cert, cacert: cert });
    assert.equal(seen(mesh.views.clusters, "shop;@gateway", CLUSTER), undefined);
    putSecret({ cert, key, cacert: cert });
    assert.equal(seen(mesh.views.clusters, "shop;@gateway", CLUSTER)?.tls.kind, "configured");
  });

  test("have the TLS of a Secret for gateways, and for sidecars that the rule selects", () => {
    const { certificatePem: cert, keyPem: key } = keyedCertificate();
    const secret = `{ apiVersion: v1, kind: Secret, metadata: { name: cert, namespace: shop }, stringData: ${JSON.stringify({ cert, key, cacert: cert })} }`;
    const tlsOf = (selector: string, scope: string) => {
      const spec = `{ ${selector} host: web, trafficPolicy: { tls: { mode: MUTUAL, credentialName: cert } } }`;
      const mesh = viewFixture([WEB, rule("shop", spec), secret].join("---\n"));
      mesh.connect(sidecar("shop", "a", { app: "a" }), { ...sidecar("shop", "b"), kind: "router" });
      return seen(mesh.views.clusters, scope, CLUSTER)?.tls.kind;
    };
    assert.equal(tlsOf("", "shop"), "plaintext");
    assert.equal(tlsOf("", "shop;@gateway"), "configured");
    const selector = "workloadSelector: { matchLabels: { app: a } },";
    assert.equal(tlsOf(selector, "shop;app=a"), "configured");
    assert.equal(tlsOf(selector, "shop"), "automatic", "whom the rule doesn't select");
  });

  test("with load balancer PASSTHROUGH go where the connection was going", () => {
    const mesh = viewFixture(
      `${WEB}---${rule("shop", "{ host: web, trafficPolicy: { loadBalancer: { simple: PASSTHROUGH } } }")}`,
    );
    assert.deepEqual(seen(mesh.views.clusters, "", CLUSTER)?.discovery, { kind: "original-destination" });
  });

  const kinds: Readonly<Record<string, readonly [spec: string, discovery: string, tls: string]>> = {
    "a looked-up host": ["resolution: DNS", "dns", "plaintext"],
    "an external static host": ["resolution: STATIC, endpoints: [{ address: 1.1.1.1 }]", "eds", "plaintext"],
    "a static host inside the mesh": [
      "resolution: STATIC, location: MESH_INTERNAL, endpoints: [{ address: 1.1.1.1 }]",
      "eds",
      "automatic",
    ],
    "a host without resolution": ["resolution: NONE", "original-destination", "plaintext"],
  };
  for (const [name, [spec, discovery, tls]] of Object.entries(kinds)) {
    test(`of ${name} are found by ${discovery} and secured by ${tls}`, () => {
      const mesh = viewFixture(`
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: entry, namespace: shop }
spec: { hosts: [a.com], ports: [{ number: 80, name: http, protocol: HTTP }], ${spec} }
`);
      const inputs = seen(mesh.views.clusters, "", "outbound|80||a.com");
      assert.deepEqual([inputs?.discovery.kind, inputs?.tls.kind], [discovery, tls]);
    });
  }

  test("of a headless service use mTLS only where all its pods do", () => {
    const headless = WEB.replace("10.96.0.1", "None");
    const mesh = viewFixture(
      [headless, slice("10.244.0.2", "10.244.0.3"), pod("a", "10.244.0.2")].join("---"),
    );
    assert.equal(seen(mesh.views.clusters, "", CLUSTER)?.tls.kind, "plaintext");
    mesh.put(pod("b", "10.244.0.3"));
    assert.equal(seen(mesh.views.clusters, "", CLUSTER)?.tls.kind, "mesh");
  });

  test("don't change when an endpoint of a known identity comes: only its assignment does", () => {
    const mesh = viewFixture(
      [WEB, slice("10.244.0.2"), pod("a", "10.244.0.2"), pod("b", "10.244.0.3")].join("---"),
    );
    const changed: string[] = [];
    mesh.views.clusters.watch((rows) => changed.push(...rows.keys()));
    mesh.views.endpoints.watch((rows) => changed.push(...[...rows.keys()].map((key) => `endpoints ${key}`)));
    mesh.put(slice("10.244.0.2", "10.244.0.3"));
    assert.deepEqual(changed, [`endpoints |${CLUSTER}`]);
  });

  test("take the mesh's defaults where no rule speaks", () => {
    const settings = `
apiVersion: meltemi.dev/v1
kind: MeshConfig
metadata: { name: mesh }
spec: { connectTimeout: 3s, h2UpgradePolicy: UPGRADE, enableAutoMtls: false, tcpKeepalive: { time: 30s } }
`;
    const inputs = seen(viewFixture(`${WEB}---${settings}`).views.clusters, "", CLUSTER);
    assert.deepEqual(
      [inputs?.connectTimeout, inputs?.isHttp2Upgraded, inputs?.tls.kind, inputs?.policy],
      ["3s", true, "plaintext", { connectionPool: { tcp: { tcpKeepalive: { time: "30s" } } } }],
    );
  });
});

test("cluster endpoints of a subset are those with its labels", () => {
  const mesh = viewFixture(
    [
      WEB,
      rule("shop", "{ host: web, subsets: [{ name: a, labels: { name: a } }] }"),
      slice("10.244.0.2", "10.244.0.3"),
      pod("a", "10.244.0.2"),
      pod("b", "10.244.0.3"),
    ].join("---"),
  );
  const endpoints = seen(mesh.views.endpoints, "", "outbound|80|a|web.shop.svc.cluster.local")?.endpoints;
  assert.deepEqual(
    endpoints?.map(({ address }) => address),
    ["10.244.0.2"],
  );
});

function rule(namespace: string, spec: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: rule, namespace: ${namespace} }
spec: ${spec}
`;
}

function slice(...addresses: readonly string[]): string {
  return `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: web-a, namespace: shop, labels: { kubernetes.io/service-name: web } }
addressType: IPv4
ports: [{ name: http, port: 80 }]
endpoints: [${addresses.map((address) => `{ addresses: [${address}] }`).join(", ")}]
`;
}

function pod(name: string, address: string): string {
  return `
apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: shop, labels: { app: web, name: ${name}, security.istio.io/tlsMode: istio } }
spec: { containers: [{ name: app, image: web }] }
status: { podIP: ${address} }
`;
}
