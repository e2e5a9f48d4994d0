// Runs Istio's cases of where a call goes: each is a mesh, one proxy of it, and calls that are walked through the configuration
// which that proxy is served.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { parseAllDocuments, stringify } from "yaml";
import { tlsSecretData } from "../support/keyed-certificate-fixture.ts";
import { caseDirectory, skipWithout } from "./case-directory.ts";
import { deviationsOf } from "./deviations.ts";
import { type CaseProxy, configOf, meshConfigDocument } from "./simulated-proxy.ts";
import {
  type Call,
  type JsonObject,
  type Outcome,
  object,
  objects,
  type ProxyConfig,
  secretNameOf,
  text,
  tlsOf,
  walkCall,
} from "./walk-call.ts";

const directory = caseDirectory("simulation");
const deviations = deviationsOf("simulation");
const certificate: unknown = JSON.parse(tlsSecretData());

/** Kinds of which nothing has effect yet: a mesh that uses one belongs to whoever gives it some. */
const kindsWithoutEffect = ["Sidecar", "HTTPRoute", "Ingress"];

if (directory === undefined) {
  test("simulation cases", { skip: skipWithout(directory) }, () => undefined);
} else {
  const cases = readdirSync(directory)
    .filter((name) => name.endsWith(".json"))
    .map((name) => JSON.parse(readFileSync(`${directory}/${name}`, "utf8")) as SimulationCase);
  test("simulation cases are there", () => assert.ok(cases.length > 80, `found ${cases.length}`));
  for (const each of cases.filter(isOurs)) runCase(each);
}

interface SimulationCase {
  readonly name: string;
  readonly proxy: CaseProxy;
  /** Istio YAML. */
  readonly config: string;
  /** Kubernetes YAML. */
  readonly kubeConfig: string;
  /** In protobuf's JSON, which leaves out the first value of an enum. */
  readonly meshConfig?: {
    readonly outboundTrafficPolicy?: { readonly mode?: string };
    readonly inboundTrafficPolicy?: { readonly mode?: string };
  };
  readonly services?: readonly RegistryService[];
  readonly instances?: readonly RegistryInstance[];
  readonly calls: readonly { readonly name: string; readonly call: Call; readonly result: Expected }[];
  readonly expectRoutes?: {
    readonly routeConfig: string;
    readonly virtualHosts: Readonly<Record<string, readonly string[] | null>> | null;
  };
  readonly expectInboundClusters?: Readonly<
    Record<
      string,
      { readonly endpoints: readonly string[] | null; readonly telemetryServices?: readonly string[] }
    >
  >;
  readonly expectListeners?: readonly ListenerExpectation[];
}

interface Expected extends Outcome {
  /** What isn't named must not be reached. */
  readonly strictMatch?: boolean;
}

interface ListenerExpectation {
  readonly name?: string;
  readonly port?: number;
  readonly minCount?: number;
  readonly firstFilterChain?: { readonly tls: boolean; readonly sdsSecretName: string };
}

interface RegistryService {
  readonly hostname: string;
  readonly defaultAddress: string;
  readonly ports: readonly { readonly name: string; readonly port: number; readonly protocol: string }[];
}

interface RegistryInstance {
  readonly addresses: readonly string[];
  readonly endpointPort: number;
  readonly service: string;
  readonly servicePort: number;
  readonly servicePortName: string;
}

function isOurs({ config, kubeConfig, meshConfig }: SimulationCase): boolean {
  const kinds = [...`${config}\n${kubeConfig}`.matchAll(/^\s*kind: (\w+)/gm)].map(([, kind = ""]) => kind);
  // Istio writes these annotations into objects that it makes of Gateway API; no user does.
  const isMadeByIstio = config.includes("internal.istio.io/");
  // Modes of which nothing has effect yet, as their warnings say.
  if (meshConfig?.outboundTrafficPolicy?.mode === "ALLOW_ANY_DYNAMIC_DNS") return false;
  if (meshConfig?.inboundTrafficPolicy?.mode === "LOCALHOST") return false;
  return !isMadeByIstio && !kinds.some((kind) => kindsWithoutEffect.includes(kind));
}

function runCase(each: SimulationCase): void {
  let config: ProxyConfig | undefined;
  const served = () => {
    config ??= configOf(meshOf(each), each.proxy);
    return config;
  };
  for (const { name, call, result } of each.calls)
    judged(`${each.name}: ${name}`, () => differenceOf(walkCall(served(), call), result));
  if (each.expectRoutes !== undefined) judged(`${each.name}: routes`, () => routesDifference(served(), each));
  if (each.expectInboundClusters !== undefined)
    judged(`${each.name}: inbound clusters`, () => inboundDifference(served(), each));
  for (const expected of each.expectListeners ?? [])
    judged(`${each.name}: listeners`, () => listenerDifference(served(), expected));
}

function judged(name: string, difference: () => string | undefined): void {
  test(`simulation case ${name}`, () => {
    const found = difference();
    const reason = deviations.get(name);
    if (reason === undefined) assert.equal(found, undefined);
    else assert.ok(found !== undefined, `it agrees again, so it is no deviation: ${reason}`);
  });
}

function meshOf({ config, kubeConfig, meshConfig, services = [], instances = [] }: SimulationCase): string {
  const written = [config, kubeConfig].flatMap((yaml) => parseAllDocuments(yaml).map((one) => one.toJS()));
  const documents = written.filter((one) => one !== null).map((one) => stringify(asUsersWrite(one)));
  documents.push(...services.flatMap((one) => serviceDocuments(one, instances)));
  documents.push(...credentials(config));
  if (meshConfig !== undefined) {
    const { outboundTrafficPolicy: policy } = meshConfig;
    const outboundTrafficPolicy = policy && { mode: "REGISTRY_ONLY", ...policy };
    documents.push(meshConfigDocument({ ...meshConfig, ...(policy && { outboundTrafficPolicy }) }));
  }
  return documents.join("\n---\n");
}

/** The cases' objects are Go values in YAML: a field that the API lacks has no effect, one that it requires may be missing. */
function asUsersWrite(one: JsonObject): JsonObject {
  if (one.kind === "EndpointSlice") return { addressType: "IPv4", ...one };
  if (one.kind === "Service" || one.kind === "ServiceEntry") return withPortNames(one);
  if (one.kind !== "VirtualService") return one;
  const spec = object(one.spec);
  const tcp = objects(spec.tcp).map(({ name: _, ...rest }) => rest);
  return { ...one, spec: { ...spec, ...(tcp.length > 0 ? { tcp } : {}) } };
}

/** Some have two ports of one name, which Istio's own validation refuses. */
function withPortNames(one: JsonObject): JsonObject {
  const spec = object(one.spec);
  const names = new Set<string>();
  const ports = objects(spec.ports).map((port) => {
    const name = text(port.name);
    if (!names.has(name)) {
      names.add(name);
      return port;
    }
    return { ...port, name: `${name}-${port.number ?? port.port}` };
  });
  return { ...one, spec: { ...spec, ...(ports.length > 0 ? { ports } : {}) } };
}

/** Istio names a secret whether or not it is there. Ours waits for it, so it has to be. */
function credentials(config: string): readonly string[] {
  const names = new Set([...config.matchAll(/credentialName: "?([\w-]+)/g)].map(([, name = ""]) => name));
  const namespaces = ["default", "istio-system"];
  return [...names].flatMap((name) =>
    namespaces.map((namespace) =>
      stringify({
        ...{ apiVersion: "v1", kind: "Secret", type: "kubernetes.io/tls", metadata: { name, namespace } },
        stringData: certificate,
      }),
    ),
  );
}

/** A service of Istio's registry, as the Service and the slices that Kubernetes would hold for it. */
function serviceDocuments(
  service: RegistryService,
  instances: readonly RegistryInstance[],
): readonly string[] {
  const [name = "", namespace = ""] = service.hostname.split(".");
  const metadata = { name, namespace };
  const ports = service.ports.map(({ port, ...rest }) => ({
    ...{ name: rest.name, port, appProtocol: rest.protocol.toLowerCase() },
    targetPort: instances.find((one) => one.service === service.hostname && one.servicePort === port)
      ?.endpointPort,
  }));
  const spec = { clusterIP: service.defaultAddress, ports };
  const slices = instances
    .filter((one) => one.service === service.hostname)
    .map((one, index) => ({
      ...{ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", addressType: "IPv4" },
      metadata: {
        ...{ name: `${name}-${index}`, namespace },
        labels: { "kubernetes.io/service-name": name },
      },
      ports: [{ name: one.servicePortName, port: one.endpointPort }],
      endpoints: [{ addresses: one.addresses, conditions: { ready: true } }],
    }));
  return [{ apiVersion: "v1", kind: "Service", metadata, spec }, ...slices].map((one) => stringify(one));
}

const outcomeFields = [
  ...["error", "listenerMatched", "filterChainMatched", "routeConfigMatched"],
  ...["virtualHostMatched", "routeMatched", "clusterMatched"],
] as readonly (keyof Outcome)[];

function differenceOf(found: Outcome, expected: Expected): string | undefined {
  const wrong = outcomeFields.filter((field) => {
    const isChecked = field === "error" || expected.strictMatch === true || expected[field] !== undefined;
    return isChecked && !isSame(found[field] ?? "", expected[field] ?? "");
  });
  if (wrong.length === 0) return undefined;
  const parts = wrong.map(
    (field) => `${field} is "${found[field] ?? ""}", wanted "${expected[field] ?? ""}"`,
  );
  return `${parts.join("; ")}, in ${JSON.stringify(found)}`;
}

/** Istio's cases run without a cluster domain, so the host of a short name lacks it. */
function isSame(found: string, wanted: string): boolean {
  return found === wanted || (/\|\|[\w-]+\.[\w-]+$/.test(wanted) && found === `${wanted}.svc.cluster.local`);
}

function routesDifference({ routes }: ProxyConfig, { expectRoutes }: SimulationCase): string | undefined {
  const { routeConfig = "", virtualHosts } = expectRoutes ?? {};
  const hosts = objects(routes.find(({ name }) => name === routeConfig)?.virtualHosts);
  for (const [domain, wanted] of Object.entries(virtualHosts ?? {})) {
    const host = hosts.find(({ domains }) => (domains as readonly string[]).includes(domain));
    const found = objects(host?.routes)
      .flatMap(({ route }) => [text(object(route).cluster)])
      .filter((cluster) => cluster !== "")
      .sort();
    if (JSON.stringify(found) !== JSON.stringify(wanted ?? []))
      return `${domain} goes to ${JSON.stringify(found)}, wanted ${JSON.stringify(wanted)}`;
  }
  return undefined;
}

function inboundDifference({ clusters }: ProxyConfig, { expectInboundClusters = {} }: SimulationCase) {
  const found = clusters.map(({ name }) => text(name)).filter((name) => name.startsWith("inbound|"));
  const wanted = Object.keys(expectInboundClusters);
  if (JSON.stringify(found.sort()) !== JSON.stringify(wanted.sort()))
    return `the inbound clusters are ${JSON.stringify(found)}, wanted ${JSON.stringify(wanted)}`;
  for (const [name, { endpoints }] of Object.entries(expectInboundClusters)) {
    const assignment = object(clusters.find((one) => one.name === name)?.loadAssignment);
    const addresses = objects(assignment.endpoints)
      .flatMap(({ lbEndpoints }) => objects(lbEndpoints))
      .map(({ endpoint }) => object(object(object(endpoint).address).socketAddress))
      .map(({ address, portValue }) => `${text(address)}:${portValue ?? 0}`);
    if (JSON.stringify(addresses) !== JSON.stringify(endpoints ?? []))
      return `${name} goes to ${JSON.stringify(addresses)}, wanted ${JSON.stringify(endpoints)}`;
  }
  return undefined;
}

function listenerDifference({ listeners }: ProxyConfig, expected: ListenerExpectation): string | undefined {
  const { name, port, minCount, firstFilterChain } = expected;
  const found = listeners.filter(
    (one) =>
      (name === undefined || one.name === name) &&
      (port === undefined || object(object(one.address).socketAddress).portValue === port),
  );
  if (found.length < (minCount ?? 1)) return `found ${found.length} listeners of ${JSON.stringify(expected)}`;
  if (firstFilterChain === undefined) return undefined;
  const [chain] = objects(found[0]?.filterChains);
  const tls = chain === undefined ? undefined : tlsOf(chain);
  const secret = tls === undefined ? undefined : secretNameOf(tls);
  return secret === firstFilterChain.sdsSecretName ? undefined : `the first chain's secret is "${secret}"`;
}
