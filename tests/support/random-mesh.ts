// For property tests: random meshes of few names, so that objects meet: services that some clients don't see, rules of
// every namespace that may have a say, and matches that look at who asks. Each is a list of edits, and clients.

import fc from "fast-check";
import type { KubernetesObject } from "../../src/kinds/define-kind.ts";
import type { ConnectedProxy } from "../../src/view/client-scope.ts";
import { sidecar } from "./view-fixture.ts";

export const ROOT = "istio-system";

export interface Edit {
  readonly isRemoved: boolean;
  readonly object: KubernetesObject;
}

export interface RandomMesh {
  /** Written in this order, one commit for each batch. */
  readonly batches: readonly (readonly Edit[])[];
  readonly clients: readonly ConnectedProxy[];
  /** What some of the clients import, by `namespace/name`: hosts as `namespace/host`. */
  readonly imports: Readonly<Record<string, readonly string[]>>;
}

const CLIENTS: readonly ConnectedProxy[] = [
  sidecar("a", "plain"),
  sidecar("a", "web", { app: "web", "pod-template-hash": "1" }),
  sidecar("a", "web-v2", { app: "web", version: "v2", "pod-template-hash": "2" }),
  sidecar("a", "plain-2", { "pod-template-hash": "3" }),
  { ...sidecar("a", "dual"), addresses: ["10.244.0.9", "fd00::9"] },
  { ...sidecar("a", "dns"), capturesDns: true },
  { ...sidecar("a", "gateway", { app: "gateway" }), kind: "router" },
  sidecar("b", "plain"),
  sidecar("b", "plain-2", { "pod-template-hash": "3" }),
  sidecar("b", "web", { app: "web", version: "v1" }),
  { ...sidecar("b", "ipv6"), addresses: ["fd00::8"] },
  { ...sidecar("b", "gateway", { app: "gateway" }), kind: "router" },
  { ...sidecar("c", "vm", { app: "web" }), domain: "corp.example" },
  { ...sidecar("c", "dns"), capturesDns: true, addresses: ["10.244.0.7", "fd00::7"] },
  sidecar(ROOT, "plain"),
  { ...sidecar(ROOT, "gateway", { app: "gateway" }), kind: "router" },
];

/** `of` what is made, as often as its weight says, undefined otherwise. */
function sometimes<T>(of: fc.Arbitrary<T>, every = 3): fc.Arbitrary<T | undefined> {
  return fc.nat(every - 1).chain((die) => (die === 0 ? of : fc.constant(undefined)));
}

const name = fc.constantFrom("web", "db");
const home = fc.constantFrom("a", "b");
const anyNamespace = fc.constantFrom("a", "a", "b", "b", "c", ROOT);
const createdAt = fc.constantFrom("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
const exportTo = sometimes(
  fc.constantFrom<readonly string[]>(["."], ["."], ["a"], ["b", "c"], ["~"], ["*"]),
  2,
);
const labels = fc.constantFrom<Readonly<Record<string, string>>>(
  { app: "web" },
  { app: "web", version: "v1" },
  { version: "v2" },
  { app: "gateway" },
  { "pod-template-hash": "1" },
);
const serviceHost = fc.constantFrom("web.a", "web.a", "db.a", "web.b").map(inCluster);
const externalHost = fc.constantFrom("ext.example", "only.example", "one.only.example");
const wildcard = fc.constantFrom("*.example", "*.a.svc.cluster.local", "*.only.example");
const ruledHost = fc.oneof(
  { weight: 5, arbitrary: serviceHost },
  { weight: 3, arbitrary: externalHost },
  { weight: 1, arbitrary: wildcard },
);

function inCluster(host: string): string {
  return `${host}.svc.cluster.local`;
}

interface Port {
  readonly name: string;
  readonly number: number;
  readonly protocol: string;
}

const port = fc.constantFrom<Port>(
  { name: "http", number: 80, protocol: "HTTP" },
  { name: "http-high", number: 9090, protocol: "HTTP" },
  { name: "tcp-low", number: 80, protocol: "TCP" },
  { name: "tcp", number: 5432, protocol: "TCP" },
  { name: "tcp-high", number: 6432, protocol: "TCP" },
  { name: "tls", number: 443, protocol: "TLS" },
  { name: "any", number: 3000, protocol: "" },
);
// Mostly one: then it's the port of a destination without any.
const ports = fc.oneof(
  port.map((one) => [one]),
  fc.uniqueArray(port, { minLength: 1, maxLength: 3, selector: ({ number }) => number }),
);

/** The parts of a spec that are there. */
function given(parts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined));
}

interface Described {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly createdAt?: string;
}

function metadataOf({ name: own, namespace, createdAt: creationTimestamp }: Described) {
  return given({ name: own, namespace, creationTimestamp });
}

/** The kinds of Istio's API are checked at the edge; these are written as that would leave them. */
function istioObject(described: Described, spec: Readonly<Record<string, unknown>>): KubernetesObject {
  const object = {
    apiVersion: "networking.istio.io/v1",
    kind: described.kind,
    metadata: metadataOf(described),
    spec: given(spec),
  };
  return object as unknown as KubernetesObject;
}

const service = fc
  .record({ name, namespace: home, ports, createdAt, exportTo, address: fc.nat(3) })
  .map(({ ports: own, exportTo: seen, address, ...described }) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      ...metadataOf({ kind: "Service", ...described }),
      ...(seen === undefined ? {} : { annotations: { "networking.istio.io/exportTo": seen.join(",") } }),
    },
    spec: {
      clusterIP: address === 0 ? "None" : `10.96.0.${address}`,
      ports: own.map(({ name: portName, number }) => ({ name: portName, port: number, protocol: "TCP" })),
    },
  }));

const slice = fc.record({ name, namespace: home, address: fc.nat(2) }).map((each) => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: {
    name: each.name,
    namespace: each.namespace,
    labels: { "kubernetes.io/service-name": each.name },
  },
  addressType: "IPv4",
  ports: [
    { name: "http", port: 8000, protocol: "TCP" },
    { name: "tcp", port: 5432, protocol: "TCP" },
  ],
  endpoints: [{ addresses: [`10.244.1.${each.address + 1}`], conditions: { ready: true } }],
}));

const alias = fc.record({ namespace: home, target: serviceHost }).map(({ namespace, target }) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "alias", namespace, creationTimestamp: "2026-01-01T00:00:00Z" },
  spec: { type: "ExternalName", externalName: target, ports: [{ name: "http", port: 80 }] },
}));

const entry = fc
  .record({
    name,
    namespace: anyNamespace,
    createdAt,
    hosts: fc.oneof(
      { weight: 3, arbitrary: externalHost },
      { weight: 1, arbitrary: fc.oneof(serviceHost, wildcard) },
    ),
    ports,
    exportTo,
    addresses: sometimes(
      fc.constantFrom(["10.96.0.1"], ["240.1.0.1"], ["10.96.0.0/16"], ["10.96.0.0/16"]),
      2,
    ),
    resolution: fc.constantFrom("STATIC", "DNS", "NONE"),
    location: fc.constantFrom("MESH_EXTERNAL", "MESH_INTERNAL"),
  })
  .map(({ hosts, name: own, namespace, createdAt: age, ...spec }) =>
    istioObject(
      { kind: "ServiceEntry", name: own, namespace, createdAt: age },
      {
        ...spec,
        hosts: [hosts],
        ...(spec.resolution === "STATIC" ? { endpoints: [{ address: "192.0.2.1" }] } : {}),
      },
    ),
  );

const trafficPolicy = fc
  .record({
    loadBalancer: sometimes(
      fc.constantFrom(
        { consistentHash: { httpHeaderName: "x-user" } },
        { consistentHash: { useSourceIp: true } },
      ),
      2,
    ),
    tls: sometimes(
      fc.constantFrom(
        { mode: "SIMPLE", credentialName: "upstream" },
        { mode: "MUTUAL", credentialName: "upstream" },
        { mode: "ISTIO_MUTUAL" },
      ),
    ),
  })
  .map(given);

const destinationRule = fc
  .record({
    name,
    namespace: anyNamespace,
    createdAt,
    host: ruledHost,
    exportTo,
    selected: sometimes(labels, 4),
    subsets: sometimes(fc.constant([{ name: "v1", labels: { version: "v1" } }])),
    trafficPolicy: sometimes(trafficPolicy, 1),
  })
  .map(({ name: own, namespace, createdAt: age, selected, ...spec }) =>
    istioObject(
      { kind: "DestinationRule", name: own, namespace, createdAt: age },
      { ...spec, workloadSelector: selected === undefined ? undefined : { matchLabels: selected } },
    ),
  );

const destination = fc
  .record({
    host: fc.oneof(serviceHost, externalHost, fc.constant("web")),
    subset: sometimes(fc.constant("v1"), 4),
    port: sometimes(fc.constantFrom({ number: 80 }, { number: 5432 }), 4),
  })
  .map(given);

const asked = {
  port: sometimes(fc.constantFrom(80, 5432, 443), 6),
  sourceLabels: sometimes(labels, 3),
  sourceNamespace: sometimes(fc.constantFrom("a", "b"), 4),
};

const httpRule = fc
  .record({
    match: sometimes(
      fc.record({ uri: fc.constant({ prefix: "/api" }), ...asked }).map((match) => [given(match)]),
      2,
    ),
    route: destination.map((one) => [{ destination: one }]),
    mirror: sometimes(destination, 3),
  })
  .map(given);

const delegating = fc
  .record({
    match: sometimes(
      fc.record(asked).map((match) => [given(match)]),
      2,
    ),
    namespace: home,
  })
  .map(({ match, namespace }) => given({ match, delegate: { name: "part", namespace } }));

const tcpRule = fc
  .record({
    match: sometimes(
      fc
        .record({ ...asked, destinationSubnets: sometimes(fc.constant(["10.96.0.0/24"]), 3) })
        .map((match) => [given(match)]),
      2,
    ),
    route: destination.map((one) => [{ destination: one }]),
  })
  .map(given);

const tlsRule = fc
  .record({
    match: fc
      .record({ ...asked, sniHosts: fc.oneof(externalHost, serviceHost).map((host) => [host]) })
      .map((match) => [given(match)]),
    route: destination.map((one) => [{ destination: one }]),
  })
  .map(given);

const virtualService = fc
  .record({
    name: fc.constantFrom("web", "db", "other"),
    namespace: anyNamespace,
    createdAt,
    hosts: fc.uniqueArray(ruledHost, { minLength: 1, maxLength: 2 }),
    exportTo,
    gateways: sometimes(fc.constantFrom(["mesh", "a/edge"], ["a/edge"]), 6),
    http: sometimes(
      fc.array(fc.oneof({ weight: 4, arbitrary: httpRule }, { weight: 1, arbitrary: delegating }), {
        minLength: 1,
        maxLength: 2,
      }),
      1,
    ),
    tcp: sometimes(fc.array(tcpRule, { minLength: 1, maxLength: 2 }), 2),
    tls: sometimes(fc.array(tlsRule, { minLength: 1, maxLength: 1 }), 4),
  })
  .map(({ name: own, namespace, createdAt: age, ...spec }) =>
    istioObject({ kind: "VirtualService", name: own, namespace, createdAt: age }, spec),
  );

/** A delegate has no hosts. */
const part = fc
  .record({ namespace: home, exportTo, http: fc.array(httpRule, { minLength: 1, maxLength: 2 }) })
  .map(({ namespace, ...spec }) => istioObject({ kind: "VirtualService", name: "part", namespace }, spec));

const secret = fc.constantFrom("a", "b", ROOT).map((namespace) => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "upstream", namespace },
  type: "Opaque",
  data: { "ca.crt": "LS0t" },
}));

const object = fc.oneof(
  { weight: 4, arbitrary: service },
  { weight: 1, arbitrary: slice },
  { weight: 1, arbitrary: alias },
  { weight: 3, arbitrary: entry },
  { weight: 4, arbitrary: destinationRule },
  { weight: 5, arbitrary: virtualService },
  { weight: 1, arbitrary: part },
  { weight: 1, arbitrary: secret },
) as fc.Arbitrary<KubernetesObject>;

const edit = fc.record({ isRemoved: fc.nat(7).map((die) => die === 0), object });

const importedHost = fc
  .record({
    namespace: fc.constantFrom("a", "a", "b", "b", "c", ROOT, "*"),
    host: fc.oneof(
      { weight: 2, arbitrary: fc.constant("*") },
      { weight: 2, arbitrary: ruledHost },
      { weight: 1, arbitrary: fc.constantFrom("*.svc.cluster.local", "nowhere.example") },
    ),
  })
  .map(({ namespace, host }) => `${namespace}/${host}`);

const imports = fc
  .array(sometimes(fc.array(importedHost, { maxLength: 3 }), 4), {
    minLength: CLIENTS.length,
    maxLength: CLIENTS.length,
  })
  .map((sets) =>
    Object.fromEntries(
      CLIENTS.flatMap(({ namespace, name: own }, at) => {
        const set = sets[at];
        return set === undefined ? [] : [[`${namespace}/${own}`, set]];
      }),
    ),
  );

export const randomMesh: fc.Arbitrary<RandomMesh> = fc.record({
  imports,
  batches: fc.tuple(
    fc.array(edit, { minLength: 4, maxLength: 18 }),
    fc.array(edit, { minLength: 0, maxLength: 3 }),
  ),
  clients: fc.shuffledSubarray([...CLIENTS], { minLength: 2, maxLength: 7 }),
});

/** How often the meshes that were tried had what they are made to have. */
export type Coverage = Record<string, number>;

const CASES: Readonly<Record<string, (object: KubernetesObject, text: string) => boolean>> = {
  "private service": ({ kind, metadata }) => kind === "Service" && metadata.annotations !== undefined,
  "private ServiceEntry": ({ kind }, text) => kind === "ServiceEntry" && text.includes("exportTo"),
  "DestinationRule with exportTo": ({ kind }, text) =>
    kind === "DestinationRule" && text.includes("exportTo"),
  "DestinationRule of the service's namespace": ({ kind, metadata }, text) =>
    kind === "DestinationRule" && text.includes(`.${metadata.namespace}.svc`),
  "DestinationRule of the root namespace": ({ kind, metadata }) =>
    kind === "DestinationRule" && metadata.namespace === ROOT,
  "DestinationRule of another namespace": ({ kind, metadata }, text) =>
    kind === "DestinationRule" && metadata.namespace !== ROOT && !text.includes(`.${metadata.namespace}.svc`),
  "VirtualService with exportTo": ({ kind }, text) => kind === "VirtualService" && text.includes("exportTo"),
  "host that only a VirtualService names": ({ kind }, text) =>
    kind === "VirtualService" && text.includes('"only.example"'),
  "destination without a port": ({ kind }, text) =>
    kind === "VirtualService" && /"destination":\{"host":"[^"]*"\}/.test(text),
  sourceLabels: (_object, text) => text.includes("sourceLabels"),
  sourceNamespace: (_object, text) => text.includes("sourceNamespace"),
  workloadSelector: (_object, text) => text.includes("workloadSelector"),
  mirror: (_object, text) => text.includes('"mirror"'),
  delegate: (_object, text) => text.includes('"delegate"'),
  consistentHash: (_object, text) => text.includes("consistentHash"),
  credentialName: (_object, text) => text.includes("credentialName"),
  "tcp rule": (_object, text) => text.includes('"tcp":['),
  "tls rule": (_object, text) => text.includes('"tls":['),
  "address range": ({ kind }, text) => kind === "ServiceEntry" && text.includes("/16"),
  alias: (_object, text) => text.includes("ExternalName"),
};

const CLIENT_CASES: Readonly<Record<string, (client: ConnectedProxy) => boolean>> = {
  "gateway's proxy": ({ kind }) => kind === "router",
  "client with IPv6": ({ addresses }) => addresses.some((address) => address.includes(":")),
  "client that captures DNS": ({ capturesDns = false }) => capturesDns,
  "client with a domain of its own": ({ domain }) => domain === "corp.example",
};

/** Adds what a mesh has. Every case has a count, so that one that never comes is seen. */
export function countCases({ batches, clients, imports: sets }: RandomMesh, coverage: Coverage): void {
  const objects = batches.flat().map((each) => [each.object, JSON.stringify(each.object)] as const);
  for (const [what, holds] of Object.entries(CASES))
    coverage[what] = (coverage[what] ?? 0) + objects.filter(([each, text]) => holds(each, text)).length;
  for (const [what, holds] of Object.entries(CLIENT_CASES))
    coverage[what] = (coverage[what] ?? 0) + clients.filter(holds).length;
  const importing = clients.filter(({ namespace, name: own }) => `${namespace}/${own}` in sets);
  coverage["client with imports"] = (coverage["client with imports"] ?? 0) + importing.length;
}
