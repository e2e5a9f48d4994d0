// The rules of the kinds, by small objects that are right but for one thing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseObject } from "./parse-object.ts";

const route = { route: [{ destination: { host: "reviews" } }] };
const networking = { apiVersion: "networking.istio.io/v1", metadata: { name: "a", namespace: "shop" } };

function virtualService(spec: object) {
  return { ...networking, kind: "VirtualService", spec: { hosts: ["reviews"], ...spec } };
}
function http(fields: object) {
  return virtualService({ http: [{ ...route, ...fields }] });
}
function destinationRule(spec: object) {
  return { ...networking, kind: "DestinationRule", spec: { host: "reviews", ...spec } };
}
function hashed(consistentHash: object) {
  return destinationRule({ trafficPolicy: { loadBalancer: { consistentHash } } });
}
function gateway(server: object) {
  const port = { number: 80, name: "http", protocol: "HTTP" };
  return { ...networking, kind: "Gateway", spec: { servers: [{ hosts: ["a.com"], port, ...server }] } };
}
function serviceEntry(spec: object) {
  const ports = [{ number: 80, name: "http", protocol: "HTTP" }];
  return { ...networking, kind: "ServiceEntry", spec: { hosts: ["a.com"], ports, ...spec } };
}
function peerAuthentication(spec: object) {
  return { apiVersion: "security.istio.io/v1", kind: "PeerAuthentication", metadata: { name: "a" }, spec };
}

function of(group: string, kind: string, spec: object, version = "v1") {
  return { apiVersion: `${group}.istio.io/${version}`, kind, metadata: { name: "a" }, spec };
}

const selector = { matchLabels: { app: "web" } };
const target = { kind: "Service", name: "web" };
const https = { number: 443, name: "https", protocol: "HTTPS" };

const right: readonly (readonly [string, object])[] = [
  ["a route", http({})],
  ["weights with a zero", http({ route: [90, 0].map((weight) => ({ destination: { host: "a" }, weight })) })],
  ["a header that must be there", http({ match: [{ headers: { "x-user": {} } }] })],
  ["any host at a gateway", virtualService({ hosts: ["*"], gateways: ["shop/web"], http: [route] })],
  ["a delegate", { ...networking, kind: "VirtualService", spec: { http: [route] } }],
  ["a root", virtualService({ http: [{ delegate: { name: "b" } }] })],
  ["subsets", destinationRule({ subsets: [{ name: "v1", labels: { version: "v1" } }] })],
  ["a redirect to HTTPS", gateway({ tls: { httpsRedirect: true } })],
  ["a TLS server", gateway({ port: https, tls: { mode: "SIMPLE", credentialName: "cert" } })],
  ["a passed-through server", gateway({ port: https, tls: { mode: "PASSTHROUGH" } })],
  ["an external service", serviceEntry({ resolution: "DNS", location: "MESH_EXTERNAL" })],
  ["STRICT", peerAuthentication({ mtls: { mode: "STRICT" } })],
  ["a mode for a port", peerAuthentication({ selector, portLevelMtls: { 8080: { mode: "DISABLE" } } })],
];

for (const [name, object] of right) {
  test(`parseObject() finds nothing wrong with ${name}`, () => {
    const { findings, object: parsed } = parseObject(object);
    assert.deepEqual(findings, []);
    assert.ok(parsed !== undefined);
  });
}

const wrong: readonly (readonly [object, string])[] = [
  [virtualService({}), "spec"],
  [virtualService({ hosts: ["*"], http: [route] }), "spec.hosts[0]"],
  [virtualService({ hosts: ["*.com", "a.com"], http: [route] }), "spec.hosts[1]"],
  [virtualService({ gateways: ["a/b/c"], http: [route] }), "spec.gateways[0]"],
  [virtualService({ http: [{}] }), "spec.http[0]"],
  [virtualService({ http: [{ ...route, delegate: { name: "b" } }] }), "spec.http[0].route"],
  [
    virtualService({ tls: [{ match: [{ sniHosts: ["b.com"] }], ...route }] }),
    "spec.tls[0].match[0].sniHosts[0]",
  ],
  [http({ route: [0, 0].map((weight) => ({ destination: { host: "a" }, weight })) }), "spec.http[0].route"],
  [http({ route: [{ destination: { host: "a" }, weight: -1 }] }), "spec.http[0].route[0].weight"],
  [http({ redirect: { uri: "/" } }), "spec.http[0].route"],
  [http({ timeout: "0s" }), "spec.http[0].timeout"],
  [http({ timeout: "1.0001ms" }), "spec.http[0].timeout"],
  [http({ retries: { attempts: -1 } }), "spec.http[0].retries.attempts"],
  [http({ retries: { attempts: 1, retryOn: "5xx,conect-failure" } }), "spec.http[0].retries.retryOn"],
  [http({ fault: { abort: { httpStatus: 100 } } }), "spec.http[0].fault.abort.httpStatus"],
  [
    http({ fault: { delay: { percentage: { value: 101 }, fixedDelay: "1s" } } }),
    "spec.http[0].fault.delay.percentage.value",
  ],
  [http({ match: [{ headers: { "x:y": { exact: "a" } } }] }), "spec.http[0].match[0].headers"],
  [http({ match: [{ uri: { regex: "(" } }] }), "spec.http[0].match[0].uri.regex"],
  [http({ match: [{ uri: { regex: "(?!a)" } }] }), "spec.http[0].match[0].uri.regex"],
  [http({ mirrorPercentage: { value: 101 } }), "spec.http[0].mirrorPercentage.value"],
  [destinationRule({ host: "" }), "spec.host"],
  [destinationRule({ subsets: [{ name: "v1" }, { name: "v1" }] }), "spec.subsets[1].name"],
  [destinationRule({ trafficPolicy: {} }), "spec.trafficPolicy"],
  [
    destinationRule({ trafficPolicy: { outlierDetection: { maxEjectionPercent: 101 } } }),
    "spec.trafficPolicy.outlierDetection.maxEjectionPercent",
  ],
  [
    destinationRule({ trafficPolicy: { tls: { mode: "MUTUAL", privateKey: "k" } } }),
    "spec.trafficPolicy.tls.clientCertificate",
  ],
  [destinationRule({ exportTo: ["*", "."] }), "spec.exportTo"],
  [gateway({ hosts: ["short"] }), "spec.servers[0].hosts[0]"],
  [gateway({ hosts: [] }), "spec.servers[0].hosts"],
  [gateway({ port: https }), "spec.servers[0].tls"],
  [gateway({ port: https, tls: { mode: "SIMPLE" } }), "spec.servers[0].tls.serverCertificate"],
  [gateway({ port: { ...https, protocol: "KAFKA" } }), "spec.servers[0].port.protocol"],
  [serviceEntry({ hosts: ["*"] }), "spec.hosts[0]"],
  [serviceEntry({ addresses: ["10.0.0.0/33"] }), "spec.addresses[0]"],
  [serviceEntry({ endpoints: [{ address: "1.2.3.4" }] }), "spec.endpoints"],
  [serviceEntry({ resolution: "STATIC", endpoints: [{ address: "a.com" }] }), "spec.endpoints[0].address"],
  [serviceEntry({ resolution: "DNS", hosts: ["*.a.com"] }), "spec.hosts[0]"],
  [peerAuthentication({ portLevelMtls: { 80: { mode: "STRICT" } } }), "spec.portLevelMtls"],
  [
    peerAuthentication({ selector, portLevelMtls: { 70000: { mode: "STRICT" } } }),
    'spec.portLevelMtls["70000"]',
  ],
  // What the custom resource definitions refuse too.
  [
    of("security", "AuthorizationPolicy", { targetRefs: [{ kind: "a/b", name: "web" }], rules: [{}] }),
    "spec.targetRefs[0].kind",
  ],
  [
    of("networking", "EnvoyFilter", { targetRefs: [{ ...target, namespace: "b" }] }, "v1alpha3"),
    "spec.targetRefs[0].namespace",
  ],
  [of("extensions", "WasmPlugin", { url: "a/b:c", pluginName: "" }, "v1alpha1"), "spec.pluginName"],
  [
    of("extensions", "WasmPlugin", { url: "a/b:c", match: [{ ports: [{ number: 0 }] }] }, "v1alpha1"),
    "spec.match[0].ports[0].number",
  ],
  [of("networking", "WorkloadGroup", { template: { ports: { "a.b": 80 } } }), 'spec.template.ports["a.b"]'],
  [of("networking", "WorkloadGroup", { template: { ports: { a: 0 } } }), "spec.template.ports.a"],
  [
    of("networking", "WorkloadGroup", { template: {}, probe: { tcpSocket: { port: 0 } } }),
    "spec.probe.tcpSocket.port",
  ],
  // What Envoy would refuse.
  [http({ timeout: "87600000h" }), "spec.http[0].timeout"],
  [http({ match: [{ uri: { regex: "a{1001}" } }] }), "spec.http[0].match[0].uri.regex"],
  [
    http({ route: [2 ** 31 - 1, 2 ** 31 - 1, 2].map((weight) => ({ destination: { host: "a" }, weight })) }),
    "spec.http[0].route",
  ],
  [hashed({ httpHeaderName: "" }), "spec.trafficPolicy.loadBalancer.consistentHash.httpHeaderName"],
  [
    hashed({ useSourceIp: true, maglev: { tableSize: 65536 } }),
    "spec.trafficPolicy.loadBalancer.consistentHash.maglev.tableSize",
  ],
  [
    hashed({ useSourceIp: true, ringHash: { minimumRingSize: 9_000_000 } }),
    "spec.trafficPolicy.loadBalancer.consistentHash.ringHash.minimumRingSize",
  ],
  [
    destinationRule({ trafficPolicy: { tls: { mode: "SIMPLE", sni: "a".repeat(256) } } }),
    "spec.trafficPolicy.tls.sni",
  ],
  [
    gateway({
      port: https,
      tls: { mode: "MUTUAL", credentialName: "web", verifyCertificateSpki: ["short"] },
    }),
    "spec.servers[0].tls.verifyCertificateSpki[0]",
  ],
];

// Kinds whose builders come later are checked all the same.
const later: readonly (readonly [object, string])[] = [
  [of("networking", "Sidecar", { egress: [{ hosts: ["reviews"] }] }), "spec.egress[0].hosts[0]"],
  [of("networking", "Sidecar", { egress: [{ hosts: [] }] }), "spec.egress[0].hosts"],
  [of("networking", "Sidecar", { ingress: [{ port: {} }] }), "spec.ingress[0].port.number"],
  [of("networking", "WorkloadEntry", {}), "spec.address"],
  [of("networking", "WorkloadEntry", { address: "unix://relative" }), "spec.address"],
  [of("networking", "WorkloadEntry", { address: "1.1.1.1", ports: { "@": 80 } }), 'spec.ports["@"]'],
  [of("networking", "WorkloadEntry", { address: "vm.example.com:80" }), "spec.address"],
  [of("networking", "WorkloadGroup", {}), "spec.template"],
  [of("networking", "WorkloadGroup", { template: {}, probe: {} }), "spec.probe"],
  [
    of("networking", "EnvoyFilter", { configPatches: [{ match: { waypoint: {} } }] }, "v1alpha3"),
    "spec.configPatches[0].match.waypoint",
  ],
  [of("networking", "ProxyConfig", { concurrency: -1 }, "v1beta1"), "spec.concurrency"],
  [of("security", "RequestAuthentication", { jwtRules: [{}] }), "spec.jwtRules[0].issuer"],
  [
    of("security", "RequestAuthentication", { jwtRules: [{ issuer: "a", jwks: "x" }] }),
    "spec.jwtRules[0].jwks",
  ],
  [
    of("security", "RequestAuthentication", { jwtRules: [{ issuer: "a", jwks: '{"keys":[{}]}' }] }),
    "spec.jwtRules[0].jwks",
  ],
  [of("security", "RequestAuthentication", { selector, targetRefs: [target] }), "spec.targetRefs"],
  [of("security", "AuthorizationPolicy", { action: "CUSTOM" }), "spec.provider.name"],
  [
    of("security", "AuthorizationPolicy", { rules: [{ to: [{ operation: { paths: ["/{**}/{*}"] } }] }] }),
    "spec.rules[0].to[0].operation.paths[0]",
  ],
  [
    of("security", "AuthorizationPolicy", { rules: [{ to: [{ operation: { notPorts: ["65536"] } }] }] }),
    "spec.rules[0].to[0].operation.notPorts[0]",
  ],
  [
    of("security", "AuthorizationPolicy", { rules: [{ from: [{ source: { principals: ["a", ""] } }] }] }),
    "spec.rules[0].from[0].source.principals[1]",
  ],
  [
    of("security", "AuthorizationPolicy", { rules: [{ when: [{ key: "request.size", values: ["1"] }] }] }),
    "spec.rules[0].when[0].key",
  ],
  [
    of("security", "AuthorizationPolicy", { rules: [{ when: [{ key: "source.ip", values: ["a"] }] }] }),
    "spec.rules[0].when[0].values[0]",
  ],
  [of("security", "AuthorizationPolicy", { rules: [{ from: [{}] }] }), "spec.rules[0].from[0].source"],
  [
    of("telemetry", "Telemetry", { tracing: [{ randomSamplingPercentage: 101 }] }),
    "spec.tracing[0].randomSamplingPercentage",
  ],
  [of("extensions", "WasmPlugin", { url: "ftp://a" }, "v1alpha1"), "spec.url"],
  [of("extensions", "WasmPlugin", { url: "a", sha256: "1" }, "v1alpha1"), "spec.sha256"],
  [of("extensions", "TrafficExtension", { lua: { inlineCode: "" } }, "v1alpha1"), "spec.lua.inlineCode"],
];

for (const [index, [object, path]] of [...wrong, ...later].entries()) {
  test(`parseObject() refuses ${path} (${index})`, () => {
    const { findings, object: parsed } = parseObject(object);
    assert.equal(parsed, undefined);
    assert.ok(
      findings.some((finding) => finding.path === path),
      JSON.stringify(findings),
    );
  });
}

test("parseObject() warns of a ServiceEntry's unknown protocol, with the nearest spelling", () => {
  const ports = [{ number: 80, name: "http", protocol: "HTPP" }];
  const { findings, object } = parseObject(serviceEntry({ ports }));
  assert.ok(object !== undefined);
  assert.deepEqual(
    findings.map(({ path, severity, hint }) => [path, severity, hint]),
    [["spec.ports[0].protocol", "warning", 'did you mean "HTTP"?']],
  );
});

const files = { clientCertificate: "/a", privateKey: "/b", caCertificates: "/c" };
const unusedTls: readonly (readonly [object, readonly string[]])[] = [
  [{ mode: "DISABLE", sni: "a.com", subjectAltNames: ["a.com"] }, ["subjectAltNames", "sni"]],
  [{ sni: "a.com" }, ["sni"]],
  [{ mode: "SIMPLE", ...files, sni: "a.com" }, ["clientCertificate", "privateKey"]],
  [{ mode: "MUTUAL", ...files, sni: "a.com", subjectAltNames: ["a.com"] }, []],
  [
    { mode: "ISTIO_MUTUAL", sni: "a.com", credentialName: "cert", insecureSkipVerify: true },
    ["credentialName", "insecureSkipVerify"],
  ],
];
for (const [tls, wanted] of unusedTls) {
  test(`parseObject() warns of what a client's TLS doesn't use: ${JSON.stringify(tls)}`, () => {
    const { findings } = parseObject(destinationRule({ trafficPolicy: { tls } }));
    assert.deepEqual(
      findings.map(({ path, severity }) => [path, severity]),
      wanted.map((name) => [`spec.trafficPolicy.tls.${name}`, "warning"]),
    );
  });
}

test("parseObject() warns of what a server's TLS doesn't use", () => {
  const tls = { mode: "ISTIO_MUTUAL", subjectAltNames: ["a"], minProtocolVersion: "TLSV1_3" };
  const { findings } = parseObject(gateway({ port: https, tls }));
  assert.deepEqual(
    findings.map(({ path, severity }) => [path, severity]),
    [["spec.servers[0].tls.minProtocolVersion", "warning"]],
  );
});

test("parseObject() warns of a route that is never reached", () => {
  const { findings } = parseObject(virtualService({ http: [route, { ...route, name: "late" }] }));
  assert.deepEqual(
    findings.map(({ path, severity }) => [path, severity]),
    [["spec.http[1]", "warning"]],
  );
});
