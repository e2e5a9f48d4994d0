// Who asks. Most of a mesh's config is the same for every client; where a private rule, or one that looks at its
// clients, makes a difference, rows of that client's scope stand over those of the mesh.

import { type IpFamilies, ipFamiliesOf } from "../core/ip-families.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import type { Index } from "../graph/table-index.ts";
import type { Client } from "../model/destination-rules.ts";
import type { HostRoutes } from "../model/host-routes.ts";
import type { Model } from "../model/model.ts";
import type { Workload } from "../model/workloads.ts";
import { withoutSeparators } from "./layer-id.ts";

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
 * A namespace, those labels of a client that some rule looks at, and what is unusual about it: `shop`, `shop;app=web`,
 * `shop;@dual`, `shop;@dns`, `shop;@gateway`, `vms;@corp.example`.
 */
export interface ClientScope extends Client {
  readonly id: string;
  /** Its search domain, which short names are relative to. */
  readonly domain: string;
  /** The domain isn't that of a Kubernetes namespace. */
  readonly isForeign: boolean;
  readonly families: IpFamilies;
  /** Names of hosts without addresses lead to automatic ones: nobody else's traffic comes there. */
  readonly capturesDns: boolean;
  /** Where some rule means something else to gateways; false otherwise, as they share scopes with sidecars. */
  readonly isGateway: boolean;
}

export interface ClientScopes {
  /** Those that have a connected proxy. */
  readonly table: Table<ClientScope>;
  /** The scope of each connected proxy, by the proxy's key. */
  readonly ofProxy: Table<ClientScope>;
  readonly proxies: Table<ConnectedProxy>;
  /** One row: the IP families of connected clients, and IPv4. */
  readonly families: Table<readonly IpFamilies[]>;
  /** One row: whether some connected client captures DNS. */
  readonly someCaptureDns: Table<boolean>;
  /** The rows of `table`, parted. */
  readonly ofFamilies: Readonly<Record<IpFamilies, Table<ClientScope>>>;
}

/** The scope of no namespace in particular: what every client sees unless its own scope says otherwise. */
export const MESH_SCOPE: ClientScope = {
  id: "",
  namespace: "",
  labels: {},
  domain: "",
  isForeign: false,
  families: "ipv4",
  capturesDns: false,
  isGateway: false,
};

const MESH_SCOPES: Readonly<Record<IpFamilies, ClientScope>> = {
  ipv4: MESH_SCOPE,
  ipv6: { ...MESH_SCOPE, id: "@ipv6", families: "ipv6" },
  dual: { ...MESH_SCOPE, id: "@dual", families: "dual" },
};

/** Of clients with these families, for what differs by them alone. */
export function meshScopeOf(families: IpFamilies): ClientScope {
  return MESH_SCOPES[families];
}

const ANY = "any";

export function declareClientScopes(
  graph: Graph,
  model: Model,
  proxies: Table<ConnectedProxy>,
): ClientScopes {
  const lookingRoutes = graph.index(model.hostRoutes.table, "host routes that look at clients", (routes) =>
    routes.isClientDependent ? [ANY] : [],
  );
  const lookingRules = graph.index(
    model.hostRules.table,
    "host rules that look at clients",
    ({ clientLabels }) => (clientLabels === undefined ? [] : [ANY]),
  );
  const labelKeys = graph.deriveOne<readonly string[]>({
    name: "client labels that rules look at",
    value: (read) =>
      clientLabelKeys(
        read,
        lookingRoutes,
        read.find(lookingRules, ANY).map(([, rule]) => rule.clientLabels ?? {}),
      ),
  });
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
      return [[key, clientScope(proxy, { labelKeys: read.one(labelKeys), isGateway, clusterDomain })]];
    },
  });
  const groups = graph.group(
    "proxies by client scope",
    graph.index(ofProxy, "client scope", ({ id }) => [id]),
  );
  const table = graph.derive<readonly (readonly [string, ClientScope])[], ClientScope>({
    name: "client scopes",
    from: groups,
    rows: (id, members) => members.slice(0, 1).map(([, scope]) => [id, scope] as const),
  });
  const families = graph.deriveOne<readonly IpFamilies[]>({
    name: "IP families of clients",
    value: (read) => [...new Set(["ipv4" as const, ...read.all(table).map(([, scope]) => scope.families)])],
  });
  const someCaptureDns = graph.deriveOne<boolean>({
    name: "clients that capture DNS",
    value: (read) => read.all(table).some(([, { capturesDns }]) => capturesDns),
  });
  const withFamilies = (wanted: IpFamilies) =>
    graph.derive<ClientScope, ClientScope>({
      name: `client scopes with ${wanted}`,
      from: table,
      rows: (id, scope) => (scope.families === wanted ? [[id, scope]] : []),
    });
  const ofFamilies = {
    ipv4: withFamilies("ipv4"),
    ipv6: withFamilies("ipv6"),
    dual: withFamilies("dual"),
  };
  return { table, ofProxy, proxies, families, someCaptureDns, ofFamilies };
}

function clientLabelKeys(
  read: Read,
  routes: Index<HostRoutes>,
  ruleLabels: readonly Readonly<Record<string, string>>[],
): readonly string[] {
  const routeLabels = read
    .find(routes, ANY)
    .flatMap(([, { http, tcp, tls }]) => [
      ...http.flatMap(({ rule }) => (rule.match ?? []).map(({ sourceLabels = {} }) => sourceLabels)),
      ...tcp.flatMap(({ match = [] }) => match.map(({ sourceLabels = {} }) => sourceLabels)),
      ...tls.flatMap(({ match }) => match.map(({ sourceLabels = {} }) => sourceLabels)),
    ]);
  return [...new Set([...routeLabels, ...ruleLabels].flatMap((labels) => Object.keys(labels)))].sort();
}

interface ScopeContext {
  readonly labelKeys: readonly string[];
  readonly isGateway: boolean;
  readonly clusterDomain: string;
}

function clientScope(
  { namespace, labels, domain, addresses, capturesDns = false }: ConnectedProxy,
  { labelKeys, isGateway, clusterDomain }: ScopeContext,
): ClientScope {
  const seen = labelKeys.flatMap((key) => {
    const value = labels[key];
    return value === undefined ? [] : [[key, value] as const];
  });
  const families = ipFamiliesOf(addresses);
  // No label's key begins so.
  const unusual = [
    ...(domain === `${namespace}.svc.${clusterDomain}` ? [] : [`@${domain}`]),
    ...(families === "ipv4" ? [] : [`@${families}`]),
    ...(capturesDns ? ["@dns"] : []),
    ...(isGateway ? ["@gateway"] : []),
  ];
  const id = [namespace, ...seen.map(([key, value]) => `${key}=${value}`), ...unusual].join(";");
  const isForeign = !domain.endsWith(`.svc.${clusterDomain}`);
  return {
    id: withoutSeparators(id),
    namespace,
    labels: Object.fromEntries(seen),
    domain,
    isForeign,
    families,
    capturesDns,
    isGateway,
  };
}
