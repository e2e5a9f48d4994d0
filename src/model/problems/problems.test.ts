import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { keyedCertificate, tlsSecretData } from "../../../tests/support/keyed-certificate-fixture.ts";
import { type MeshFixture, meshFixture } from "../../../tests/support/mesh-fixture.ts";
import type { ObjectKey } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import { declareProblems } from "./problems.ts";

const DAY_1 = "2026-01-01T00:00:00Z";
const DAY_2 = "2026-01-02T00:00:00Z";
const REVIEWS = service("reviews", "ports: [{ name: http, port: 9080 }]");

describe("declareProblems()", () => {
  test("finds nothing in a mesh without faults", () => {
    const rule = destinationRule(
      "reviews",
      "host: reviews, subsets: [{ name: v1, labels: { version: v1 } }]",
    );
    const routes = virtualService("reviews", "reviews", "{ destination: { host: reviews, subset: v1 } }");
    assert.deepEqual(sentences(problemsOf(REVIEWS, rule, routes)), []);
  });

  test("names object and path of an unknown host, and the nearest spelling", () => {
    const found = problemsOf(
      REVIEWS,
      virtualService("reviews", "reviews", "{ destination: { host: revews } }"),
    );
    assert.deepEqual(found, [
      {
        code: "MLT2001",
        severity: "error",
        object: "VirtualService/shop/reviews" as ObjectKey,
        path: "spec.http[0].route[0].destination.host",
        message: 'Cannot route to "revews": no Service or ServiceEntry has that host',
        hint: 'did you mean "reviews"?',
      },
    ]);
  });

  test("names the Service of another namespace that a short name may mean", () => {
    const [found] = problemsOf(
      REVIEWS,
      virtualService("a", "a.com", "{ destination: { host: reviews } }", { namespace: "prod" }),
    );
    assert.equal(
      found?.hint,
      'a short name is of the object\'s own namespace "prod": did you mean "reviews.shop.svc.cluster.local"?',
    );
  });

  test("tells that a name with a dot isn't completed", () => {
    const [found] = problemsOf(
      REVIEWS,
      virtualService("a", "a.com", "{ destination: { host: reviews.shop } }"),
    );
    assert.equal(found?.hint, 'a name with a dot is taken as it is: write "reviews.shop.svc.cluster.local"');
  });

  test("takes a host that a wildcard ServiceEntry covers for known, and says that it has no cluster", () => {
    const entry = serviceEntry(
      "all",
      "shop",
      "resolution: NONE, hosts: ['*.example.com'], ports: [{ number: 80, name: http }]",
    );
    const found = problemsOf(
      entry,
      virtualService("a", "b.com", "{ destination: { host: api.example.com } }"),
    );
    assert.deepEqual(sentences(found), [
      'MLT2022 Cannot route to "api.example.com": it is only a part of "*.example.com", and has no endpoints of its own',
    ]);
    const whole = virtualService("a", "b.com", "{ destination: { host: '*.example.com' } }");
    assert.deepEqual(problemsOf(entry, whole), []);
  });

  test("looks at destinations of mirrors, tcp and tls routes", () => {
    const routes = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: many, namespace: shop }
spec:
  hosts: [a.com]
  http: [{ route: [{ destination: { host: reviews } }], mirrors: [{ destination: { host: m1 } }] }]
  tcp: [{ route: [{ destination: { host: t1 } }] }]
  tls: [{ match: [{ sniHosts: [a.com] }], route: [{ destination: { host: s1 } }] }]
`;
    assert.deepEqual(
      problemsOf(REVIEWS, routes).map(({ path }) => path),
      [
        "spec.http[0].mirrors[0].destination.host",
        "spec.tls[0].route[0].destination.host",
        "spec.tcp[0].route[0].destination.host",
      ],
    );
  });

  test("names the subsets that the DestinationRule defines", () => {
    const rule = destinationRule("reviews", "host: reviews, subsets: [{ name: v1 }, { name: v2 }]");
    const routes = virtualService("reviews", "reviews", "{ destination: { host: reviews, subset: v3 } }");
    assert.deepEqual(sentences(problemsOf(REVIEWS, rule, routes)), [
      'MLT2002 Cannot route to subset "v3" of "reviews.shop": DestinationRule "reviews" defines "v1", "v2"',
    ]);
  });

  test("says so where no DestinationRule defines subsets", () => {
    const routes = virtualService("reviews", "reviews", "{ destination: { host: reviews, subset: v3 } }");
    assert.deepEqual(sentences(problemsOf(REVIEWS, routes)), [
      'MLT2002 Cannot route to subset "v3" of "reviews.shop": no DestinationRule is for that host',
    ]);
  });

  test("names the ports that a service has", () => {
    const routes = virtualService(
      "reviews",
      "reviews",
      "{ destination: { host: reviews, port: { number: 80 } } }",
    );
    assert.deepEqual(sentences(problemsOf(REVIEWS, routes)), [
      'MLT2003 Cannot route to port 80 of "reviews.shop": it has 9080 (http)',
    ]);
  });

  test("warns of a missing port where a service has several", () => {
    const two = service("two", "ports: [{ name: http, port: 80 }, { name: grpc, port: 81 }]");
    const found = problemsOf(two, virtualService("two", "two", "{ destination: { host: two } }"));
    assert.deepEqual(sentences(found), [
      'MLT2004 "two.shop" has several ports and none is named: the request\'s own is used, and must be among 80 (http), 81 (grpc)',
    ]);
    assert.equal(found[0]?.severity, "warning");
  });

  test("finds a Gateway of another namespace that was probably meant", () => {
    const gateway = gatewayObject(
      "edge",
      "infra",
      "servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ['*'] }]",
    );
    const routes = virtualService("a", "a.com", "{ destination: { host: reviews } }", {
      spec: "gateways: [edge]",
    });
    const [found] = problemsOf(REVIEWS, gateway, routes);
    assert.equal(
      found?.message,
      'Cannot bind to Gateway "edge": there is none of that name in namespace "shop"',
    );
    assert.equal(found?.hint, 'did you mean "infra/edge"?');
  });

  test("tells both VirtualServices of one host which of them holds", () => {
    const first = virtualService("first", "reviews", "{ destination: { host: reviews } }", {
      createdAt: DAY_1,
    });
    const second = virtualService("second", "reviews", "{ destination: { host: reviews } }", {
      createdAt: DAY_2,
    });
    const found = problemsOf(REVIEWS, first, second);
    assert.deepEqual(
      found.map(({ severity, message }) => [severity, message]),
      [
        [
          "warning",
          '"reviews.shop" is also routed for sidecars by VirtualService "second": this one is the oldest, and holds',
        ],
        [
          "error",
          '"reviews.shop" is also routed for sidecars by VirtualService "first": first is older, and holds',
        ],
      ],
    );
  });

  test("lets VirtualServices of one host be that no namespace sees both of", () => {
    const first = virtualService("first", "a.com", "{ destination: { host: reviews } }", {
      spec: "exportTo: [one]",
    });
    const second = virtualService("second", "a.com", "{ destination: { host: reviews } }", {
      spec: "exportTo: [two]",
    });
    assert.deepEqual(problemsOf(REVIEWS, first, second), []);
  });

  test("finds delegates that are missing, have hosts or go in a circle", () => {
    const found = problemsOf(
      REVIEWS,
      delegating("a", "hosts: [a.com]", "gone"),
      delegating("b", "hosts: [b.com]", "full"),
      virtualService("full", "full.com", "{ destination: { host: reviews } }"),
      delegating("c", "hosts: [c.com]", "d"),
      delegating("d", "hosts: [d.com]", "c"),
    );
    assert.deepEqual(
      found.map(({ object, message }) => `${object}: ${message}`),
      [
        'VirtualService/shop/a: Cannot delegate to VirtualService "gone": there is none of that name',
        'VirtualService/shop/b: Cannot delegate to VirtualService "full": it has hosts of its own, a delegate has none',
        "VirtualService/shop/c: Cannot delegate in a circle: c → d → c",
        "VirtualService/shop/d: Cannot delegate in a circle: d → c → d",
      ],
    );
  });

  test("finds a delegate's rule that reaches further than its root's", () => {
    const found = problemsOf(
      delegating("root", "hosts: [a.com]", "part").replace(
        "delegate:",
        "match: [{ uri: { prefix: /a } }], delegate:",
      ),
      delegating("part", "exportTo: ['*']", "x").replace(
        "delegate: { name: x }",
        "match: [{ uri: { prefix: /a/b } }, { uri: { exact: /c } }], redirect: { uri: / }",
      ),
    );
    assert.deepEqual(
      found.map(({ severity, message, path }) => [severity, message, path]),
      [
        [
          "warning",
          'Rule spec.http[0] of delegate "part" has no effect: its spec.http[0].match[1].uri isn\'t within what spec.http[0] matches',
          "spec.http[0].delegate",
        ],
      ],
    );
  });

  test("finds a delegate that is kept from the root's namespace", () => {
    const part = delegating("part", "exportTo: [elsewhere]", "x").replace(
      "delegate: { name: x }",
      "redirect: { uri: / }",
    );
    const [found] = problemsOf(REVIEWS, delegating("a", "hosts: [a.com]", "part"), part);
    assert.equal(
      found?.message,
      'Cannot delegate to VirtualService "part": it isn\'t exported to namespace "shop"',
    );
  });

  test("warns of a DestinationRule for a host that nobody has", () => {
    assert.deepEqual(sentences(problemsOf(REVIEWS, destinationRule("r", "host: rewiews"))), [
      'MLT2009 "rewiews" is no host of a Service or ServiceEntry, so the rule has no effect',
    ]);
    assert.deepEqual(problemsOf(REVIEWS, destinationRule("r", "host: '*.shop.svc.cluster.local'")), []);
  });

  test("warns of subsets and policies that a younger DestinationRule repeats", () => {
    const older = destinationRule(
      "older",
      "host: reviews, subsets: [{ name: v1 }], trafficPolicy: { loadBalancer: { simple: RANDOM } }",
      DAY_1,
    );
    const younger = destinationRule(
      "younger",
      "host: reviews, subsets: [{ name: v1 }], trafficPolicy: { loadBalancer: { simple: RANDOM } }",
      DAY_2,
    );
    assert.deepEqual(
      problemsOf(REVIEWS, older, younger).map(({ object, path }) => [object, path]),
      [
        ["DestinationRule/shop/younger", "spec.subsets[0]"],
        ["DestinationRule/shop/younger", "spec.trafficPolicy"],
      ],
    );
  });

  test("warns of a Gateway that selects no pod, unless no pod runs at all", () => {
    const gateway = gatewayObject(
      "edge",
      "shop",
      "selector: { app: edge }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ['*'] }]",
    );
    assert.deepEqual(problemsOf(gateway), []);
    assert.deepEqual(sentences(problemsOf(gateway, pod("web", "shop", "app: web"))), [
      "MLT2011 No pod has the labels app=edge, so nobody opens the ports of this Gateway",
    ]);
    assert.deepEqual(problemsOf(gateway, pod("edge", "infra", "app: edge")), []);
  });

  test("looks for a Gateway's Secret where its pods are", () => {
    const gateway = gatewayObject(
      "edge",
      "shop",
      "selector: { app: edge }, servers: [{ port: { number: 443, name: https, protocol: HTTPS }, hosts: ['*'], tls: { mode: SIMPLE, credentialName: cert } }]",
    );
    const edge = pod("edge", "infra", "app: edge");
    const certificate = keyedCertificate();
    const good = `stringData: ${tlsSecretData(certificate)}`;
    const [missing] = problemsOf(gateway, edge, secret("cert", "shop", good));
    assert.equal(missing?.path, "spec.servers[0].tls.credentialName");
    assert.equal(
      missing?.message,
      'Cannot serve TLS: there is no Secret "cert" in namespace "infra", where the gateway\'s pods are',
    );
    assert.deepEqual(
      sentences(problemsOf(gateway, edge, secret("cert", "infra", "stringData: { tls.crt: a }"))),
      ['MLT2012 Cannot serve TLS: Secret "infra/cert" is of no use: it has no tls.key'],
    );
    const other = { ...certificate, keyPem: keyedCertificate().keyPem };
    assert.deepEqual(
      sentences(problemsOf(gateway, edge, secret("cert", "infra", `stringData: ${tlsSecretData(other)}`))),
      [
        'MLT2012 Cannot serve TLS: Secret "infra/cert" is of no use: its tls.key isn\'t the key of the certificate in tls.crt',
      ],
    );
    assert.deepEqual(problemsOf(gateway, edge, secret("cert", "infra", good)), []);
  });

  test("looks for a DestinationRule's Secret in every namespace", () => {
    const rule = destinationRule(
      "r",
      "host: reviews, subsets: [{ name: a, trafficPolicy: { tls: { mode: SIMPLE, credentialName: ca } } }]",
    );
    const [found] = problemsOf(REVIEWS, rule);
    assert.equal(found?.code, "MLT2016");
    assert.equal(found.path, "spec.subsets[0].trafficPolicy.tls.credentialName");
    assert.deepEqual(
      problemsOf(REVIEWS, rule, secret("ca-cacert", "other", "stringData: { ca.crt: a }")),
      [],
    );
  });

  test("warns of Services that call one port of their pods by different protocols", () => {
    const http = service(
      "a",
      "selector: { app: web }, ports: [{ name: http, port: 80, targetPort: 8080 }]",
      DAY_1,
    );
    const tcp = service(
      "b",
      "selector: { app: web }, ports: [{ name: tcp, port: 81, targetPort: 8080 }]",
      DAY_2,
    );
    const other = service("c", "selector: { app: api }, ports: [{ name: tcp, port: 81, targetPort: 8080 }]");
    const found = problemsOf(http, tcp, other);
    assert.deepEqual(sentences(found), [
      'MLT2013 Port 8080 of the pods is TCP here and HTTP in Service "a", which is older and holds',
    ]);
    assert.equal(found[0]?.object, "Service/shop/b");
  });

  test("warns of the younger of two PeerAuthentications for the same workloads", () => {
    const found = problemsOf(
      peerAuthentication("a", "istio-system", "mtls: { mode: STRICT }"),
      peerAuthentication("b", "istio-system", "mtls: { mode: PERMISSIVE }"),
      peerAuthentication("c", "shop", "selector: { matchLabels: { app: web } }, mtls: { mode: STRICT }"),
      peerAuthentication("d", "shop", "selector: { matchLabels: { app: api } }, mtls: { mode: STRICT }"),
    );
    assert.deepEqual(sentences(found), [
      'MLT2014 PeerAuthentication "a" for the whole mesh is older and holds, so this one has no effect',
    ]);
  });

  test("finds a ServiceEntry for a host that a Service has", () => {
    const ports = "ports: [{ number: 80, name: http }]";
    const entry = serviceEntry("e", "shop", `hosts: [reviews.shop.svc.cluster.local], ${ports}`);
    const abroad = serviceEntry("e", "other", `hosts: [reviews.shop.svc.cluster.local], ${ports}`);
    assert.deepEqual(sentences(problemsOf(REVIEWS, entry)), [
      'MLT2015 "reviews.shop" is a host of Service shop/reviews too: it stands, and this one is left out',
    ]);
    const [ofAbroad] = problemsOf(REVIEWS, abroad);
    assert.equal(ofAbroad?.severity, "warning");
    assert.equal(
      ofAbroad?.message,
      '"reviews.shop" is a host of Service shop/reviews too: clients in this namespace reach this one, all others the Service',
    );
  });

  test("takes a Problem back when its reason is gone", () => {
    const mesh = meshFixture();
    const table = declareProblems(mesh.graph, mesh.sources, mesh.model);
    mesh.put(virtualService("reviews", "reviews", "{ destination: { host: reviews } }"));
    assert.equal(table.size, 1);
    mesh.put(REVIEWS);
    assert.equal(table.size, 0);
    mesh.remove({ kind: "Service", namespace: "shop", name: "reviews" });
    assert.equal(table.size, 1);
  });

  test("asks nothing again of objects that a commit doesn't concern", () => {
    const mesh: MeshFixture = meshFixture();
    const table = declareProblems(mesh.graph, mesh.sources, mesh.model);
    mesh.put(
      `${REVIEWS}\n---\n${virtualService("reviews", "reviews", "{ destination: { host: reviews, subset: v9 } }")}`,
    );
    const changes: unknown[] = [];
    table.watch((rows) => changes.push(rows));
    mesh.put(service("ratings", "ports: [{ name: http, port: 9080 }]"));
    assert.deepEqual(changes, []);
  });
});

function problemsOf(...documents: readonly string[]): readonly Problem[] {
  const mesh = meshFixture();
  const table = declareProblems(mesh.graph, mesh.sources, mesh.model);
  mesh.put(documents.join("\n---\n"));
  assert.deepEqual(mesh.graph.failures(), []);
  return [...table.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, problems]) => problems);
}

function sentences(problems: readonly Problem[]): readonly string[] {
  return problems.map(({ code, message }) => `${code} ${message}`);
}

function service(name: string, spec: string, createdAt = DAY_1): string {
  return `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop, creationTimestamp: "${createdAt}" }
spec: { clusterIP: 10.96.0.1, ${spec} }
`;
}

interface More {
  readonly namespace?: string;
  readonly spec?: string;
  readonly createdAt?: string;
}

function virtualService(
  name: string,
  host: string,
  route: string,
  { spec = "", createdAt = DAY_1, namespace = "shop" }: More = {},
) {
  return `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${name}, namespace: ${namespace}, creationTimestamp: "${createdAt}" }
spec: { hosts: [${host}], http: [{ route: [${route}] }], ${spec} }
`;
}

function delegating(name: string, hosts: string, delegate: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${name}, namespace: shop }
spec: { ${hosts}, http: [{ delegate: { name: ${delegate} } }] }
`;
}

function destinationRule(name: string, spec: string, createdAt = DAY_1): string {
  return `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ${name}, namespace: shop, creationTimestamp: "${createdAt}" }
spec: { ${spec} }
`;
}

function gatewayObject(name: string, namespace: string, spec: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: ${name}, namespace: ${namespace} }
spec: { ${spec} }
`;
}

function serviceEntry(name: string, namespace: string, spec: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${name}, namespace: ${namespace} }
spec: { ${spec.includes("resolution") ? "" : "resolution: DNS, "}${spec} }
`;
}

function peerAuthentication(name: string, namespace: string, spec: string): string {
  return `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: ${name}, namespace: ${namespace} }
spec: { ${spec} }
`;
}

function pod(name: string, namespace: string, labels: string): string {
  return `
apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: ${namespace}, labels: { ${labels} } }
spec: { containers: [{ name: app, image: app }] }
`;
}

function secret(name: string, namespace: string, content: string): string {
  return `
apiVersion: v1
kind: Secret
metadata: { name: ${name}, namespace: ${namespace} }
${content}
`;
}
