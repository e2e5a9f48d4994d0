// Who asks. Most of a mesh's config is the same for every client; where a private rule, or one that looks at its
// clients, makes a difference, rows of that client's scope stand over those of the mesh.

import { type IpFamilies, ipFamiliesOf } from "../core/ip-families.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import { escapeIdPart, isDeclaredSelector, matchingSelectors } from "../model/client-selectors.ts";
import type { Model } from "../model/model.ts";
import type { Workload } from "../model/workloads.ts";
import { declareImportedInputs, type ImportedInputs, type Importer, type ImportSet } from "./import-sets.ts";
import { clientLayer, type LayerId, MESH_LAYER, meshLayer } from "./layer-id.ts";

/** A connected proxy, as far as its config depends on it. */
export interface ConnectedProxy {
  readonly kind: "sidecar" | "router";
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly addresses: readonly string[];
  /** Its search domain: `shop.svc.cluster.local` in Kubernetes. */
  readonly domain: string;
  /** `region/zone/subzone` as it says itself; of a pod, its node says it. */
  readonly locality: string;
  /** Its agent answers the pod's DNS queries. */
  readonly capturesDns?: boolean;
  /** Proven, where it is a pod of the mesh. What only some may have, such as a Secret, goes to such proxies alone. */
  readonly pod?: ProvenPod;
}

export interface ProvenPod {
  /** Of its row among the model's workloads. */
  readonly key: string;
  readonly uid: string;
  readonly serviceAccount: string;
}

/** Of a proxy that is proven to be a pod; whatever else is called so is somebody else's. */
export function workloadOf({ pod }: ConnectedProxy, model: Model, read: Read): Workload | undefined {
  return pod === undefined ? undefined : read.get(model.workloads.table, pod.key);
}

/**
 * All that tells clients apart: the answers to what they may be asked, so that proxies which differ in nothing else are
 * one. `shop`, `shop;app=web,version=v1`, `shop;@dual`, `shop;@dns`, `shop;@gateway`, `vms;@domain=corp.example`,
 * `shop;@imports=u6nCbXkmyaJq0_Gnzr2w1A`.
 */
export interface ClientScope {
  /** Follows from the rest, whoever connected first and however rules are ordered; equal for nothing else. */
  readonly id: LayerId;
  readonly namespace: string;
  /** The ids of those label selectors that some rule has for its clients and that they match; sorted. */
  readonly selectors: readonly string[];
  /** Its search domain, which short names are relative to. */
  readonly domain: string;
  /** The domain isn't that of a Kubernetes namespace. */
  readonly isForeign: boolean;
  readonly families: IpFamilies;
  readonly capturesDns: boolean;
  /** Where some rule means something else to gateways; false otherwise, as they share scopes with sidecars. */
  readonly isGateway: boolean;
  /** Undefined where it imports all that is exported to it; else its layers are not over those of the mesh. */
  readonly imports: ImportSet | undefined;
}

/**
 * The id of something that may be asked, in few letters: a namespace, a selector's id, or one of the following, which
 * are neither. Where one passed for another, a scope would be asked in vain.
 */
export type Question = string;

export const IS_GATEWAY = "@gateway";

/** What tells scopes apart, and who is in them. */
export interface Identity {
  /** Whether clients of a namespace may be asked, as scopes with other answers are apart; `""` is of no namespace. */
  declares(question: Question, namespace: string, read: Read): boolean;
  /** Some proxy of a scope. */
  memberOf(scope: ClientScope, read: Read): ConnectedProxy | undefined;
  /** Called for a question that it doesn't declare: a fault of the program. */
  onUndeclared(question: Question): void;
}

export interface ClientScopes {
  /** Those that have a connected proxy. */
  readonly table: Table<ClientScope>;
  /** The scope of each connected proxy, by the proxy's key. */
  readonly ofProxy: Table<ClientScope>;
  readonly proxies: Table<ConnectedProxy>;
  /** The rows of `table` without an import set: their layers are over those of the mesh. */
  readonly overMesh: Table<ClientScope>;
  /** One row: the IP families of `overMesh`, and IPv4. */
  readonly families: Table<readonly IpFamilies[]>;
  /** The rows of `overMesh`, parted. */
  readonly ofFamilies: Readonly<Record<IpFamilies, Table<ClientScope>>>;
  /** Of those of `table` that have an import set. */
  readonly imported: ImportedInputs;
  readonly identity: Identity;
}

/** The scope of no namespace in particular: what every client sees unless its own scope says otherwise. */
export const MESH_SCOPE: ClientScope = {
  id: MESH_LAYER,
  namespace: "",
  selectors: [],
  domain: "",
  isForeign: false,
  families: "ipv4",
  capturesDns: false,
  isGateway: false,
  imports: undefined,
};

const MESH_SCOPES: Readonly<Record<IpFamilies, ClientScope>> = {
  ipv4: MESH_SCOPE,
  ipv6: { ...MESH_SCOPE, id: meshLayer("ipv6"), families: "ipv6" },
  dual: { ...MESH_SCOPE, id: meshLayer("dual"), families: "dual" },
};

/** Of clients with these families, for what differs by them alone. */
export function meshScopeOf(families: IpFamilies): ClientScope {
  return MESH_SCOPES[families];
}

const ANY = "any";

/** Told of a question whose answer scopes don't have; throws unless told otherwise. */
export type OnUndeclared = Identity["onUndeclared"];

export interface ClientOptions {
  /** What sidecars import, by the proxy's key; those without a row import all that is exported to them. */
  readonly importsOfProxy?: Table<ImportSet>;
  readonly onUndeclared?: OnUndeclared | undefined;
}

export function declareClientScopes(
  graph: Graph,
  model: Model,
  proxies: Table<ConnectedProxy>,
  { importsOfProxy, onUndeclared = refuse }: ClientOptions = {},
): ClientScopes {
  const rulesOfGateways = graph.index(
    model.hostRules.table,
    "host rules with Secrets for gateways alone",
    ({ namesSecret, clientLabels }) => (namesSecret && clientLabels === undefined ? [ANY] : []),
  );
  const gatewaysDiffer = graph.deriveOne<boolean>({
    name: "gateways have scopes of their own",
    value: (read) => read.find(rulesOfGateways, ANY).length > 0,
  });
  const ofProxy = graph.derive<ConnectedProxy, ClientScope>({
    name: "client scopes of proxies",
    from: proxies,
    rows: (key, proxy, read) => {
      const { clusterDomain } = read.one(model.settings);
      const isGateway = proxy.kind === "router" && read.one(gatewaysDiffer);
      const selectors = matchingSelectors(proxy, model.clientSelectors, read);
      const isImporter = proxy.kind === "sidecar" && importsOfProxy !== undefined;
      const imports = isImporter ? read.get(importsOfProxy, key) : undefined;
      return [[key, clientScope(proxy, { selectors, isGateway, clusterDomain, imports })]];
    },
  });
  const byScope = graph.index(ofProxy, "client scope", ({ id }) => [id]);
  const groups = graph.group("proxies by client scope", byScope);
  const table = graph.derive<readonly (readonly [string, ClientScope])[], ClientScope>({
    name: "client scopes",
    from: groups,
    rows: (id, members) => members.slice(0, 1).map(([, scope]) => [id, scope] as const),
  });
  const overMesh = graph.derive<ClientScope, ClientScope>({
    name: "client scopes over the mesh",
    from: table,
    rows: (id, scope) => (scope.imports === undefined ? [[id, scope]] : []),
  });
  const families = graph.deriveOne<readonly IpFamilies[]>({
    name: "IP families of clients",
    value: (read) => [
      ...new Set(["ipv4" as const, ...read.all(overMesh).map(([, scope]) => scope.families)]),
    ],
  });
  const withFamilies = (wanted: IpFamilies) =>
    graph.derive<ClientScope, ClientScope>({
      name: `client scopes with ${wanted}`,
      from: overMesh,
      rows: (id, scope) => (scope.families === wanted ? [[id, scope]] : []),
    });
  const ofFamilies = {
    ipv4: withFamilies("ipv4"),
    ipv6: withFamilies("ipv6"),
    dual: withFamilies("dual"),
  };
  const identity: Identity = {
    declares: (question, namespace, read) =>
      question === IS_GATEWAY
        ? read.one(gatewaysDiffer)
        : isDeclaredSelector(question, namespace, { ...model.clientSelectors, read }),
    memberOf: ({ id }, read) => {
      const [first] = read.find(byScope, id);
      return first === undefined ? undefined : read.get(proxies, first[0]);
    },
    onUndeclared,
  };
  const imported = declareImportedInputs(graph, model, declareImporters(graph, table));
  return { table, ofProxy, proxies, overMesh, families, ofFamilies, imported, identity };
}

function declareImporters(graph: Graph, scopes: Table<ClientScope>): Table<Importer> {
  return graph.derive<ClientScope, Importer>({
    name: "client scopes with imports",
    from: scopes,
    rows: (id, { namespace, imports }) => (imports === undefined ? [] : [[id, { namespace, imports }]]),
  });
}

function refuse(question: Question): void {
  throw new Error(`Cannot ask clients "${question}": no rule declares it, so scopes don't tell them apart`);
}

interface ScopeContext {
  readonly selectors: readonly string[];
  readonly isGateway: boolean;
  readonly clusterDomain: string;
  readonly imports: ImportSet | undefined;
}

function clientScope(
  { namespace, domain, addresses, capturesDns = false }: ConnectedProxy,
  { selectors, isGateway, clusterDomain, imports }: ScopeContext,
): ClientScope {
  const families = ipFamiliesOf(addresses);
  // No selector begins so.
  const unusual = [
    ...(domain === `${namespace}.svc.${clusterDomain}` ? [] : [`@domain=${escapeIdPart(domain)}`]),
    ...(families === "ipv4" ? [] : [`@${families}`]),
    ...(capturesDns ? ["@dns"] : []),
    ...(isGateway ? ["@gateway"] : []),
    ...(imports === undefined ? [] : [`@imports=${imports.id}`]),
  ];
  return {
    id: clientLayer(escapeIdPart(namespace), [...selectors, ...unusual]),
    namespace,
    selectors,
    domain,
    isForeign: !domain.endsWith(`.svc.${clusterDomain}`),
    families,
    capturesDns,
    isGateway,
    imports,
  };
}
