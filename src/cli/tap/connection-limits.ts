// The limits that a DestinationRule sets for a cluster, in words: which of them a request met Envoy doesn't say, so all
// that are set are told.

import type { TapEvent } from "../../core/tap-event.ts";
import type { KubernetesObject } from "../../kinds/define-kind.ts";

interface ConnectionPool {
  readonly tcp?: { readonly maxConnections?: number };
  readonly http?: {
    readonly http1MaxPendingRequests?: number;
    readonly http2MaxRequests?: number;
    readonly maxRetries?: number;
  };
}

interface TrafficPolicy {
  readonly connectionPool?: ConnectionPool;
  readonly portLevelSettings?: readonly {
    readonly port?: { readonly number?: number };
    readonly connectionPool?: ConnectionPool;
  }[];
}

interface DestinationRuleSpec {
  readonly trafficPolicy?: TrafficPolicy;
  readonly subsets?: readonly { readonly name?: string; readonly trafficPolicy?: TrafficPolicy }[];
}

interface RuleName {
  readonly namespace: string;
  readonly name: string;
}

/** What is known of the limit that a request met; nothing where the cluster's object sets none, or can't be read. */
export interface KnownLimit {
  readonly limit?: string;
}

/** Rules are read when the first request meets a limit. Who may not read them is told less, and taps on. */
export function createLimits(
  rulesIn: (namespace: string) => Promise<readonly KubernetesObject[]>,
): (event: TapEvent) => Promise<KnownLimit> {
  const found = new Map<string, Promise<KnownLimit>>();
  const look = async (event: TapEvent, cluster: string): Promise<KnownLimit> => {
    const rule = limitingRule(event);
    if (rule === undefined) return {};
    const rules = await rulesIn(rule.namespace).catch(() => []);
    const object = rules.find(({ metadata }) => metadata.name === rule.name);
    const limit = object === undefined ? undefined : limitText(object, cluster);
    return limit === undefined ? {} : { limit };
  };
  return async (event) => {
    const cluster = event.cluster?.name;
    if (!event.flags.includes("UO") || cluster === undefined) return {};
    const looked = found.get(cluster) ?? look(event, cluster);
    found.set(cluster, looked);
    return looked;
  };
}

/** The DestinationRule that made the cluster of a request that met a limit. */
function limitingRule({ cluster }: TapEvent): RuleName | undefined {
  const [, namespace, name] =
    cluster?.from
      .map((part) => /^DestinationRule\/([^/]*)\/(\S+)/.exec(part))
      .find((found) => found !== null) ?? [];
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
}

/** `the limit of 1 connection in DestinationRule shop/reviews`; undefined where the rule sets none. */
function limitText(rule: KubernetesObject, clusterName: string): string | undefined {
  const limits = limitsOf(poolOf(rule.spec as DestinationRuleSpec, clusterName));
  const [first, ...more] = limits;
  if (first === undefined) return undefined;
  const { namespace, name } = rule.metadata;
  const place = `DestinationRule ${namespace}/${name}`;
  return more.length === 0
    ? `the limit of ${first} in ${place}`
    : `a limit in ${place}: ${limits.join(", ")}`;
}

/** A subset's settings come before the rule's, a port's before all of a policy. */
function poolOf(spec: DestinationRuleSpec, clusterName: string): ConnectionPool {
  const [, port = "", subset = ""] = clusterName.split("|");
  const ofSubset = spec.subsets?.find(({ name }) => name === subset)?.trafficPolicy;
  for (const policy of [ofSubset, spec.trafficPolicy]) {
    const ofPort = policy?.portLevelSettings?.find((each) => each.port?.number === Number(port));
    const pool = ofPort?.connectionPool ?? policy?.connectionPool;
    if (pool !== undefined) return pool;
  }
  return {};
}

function limitsOf({ tcp = {}, http = {} }: ConnectionPool): readonly string[] {
  return [
    counted(tcp.maxConnections, "connection"),
    counted(http.http1MaxPendingRequests, "pending request"),
    counted(http.http2MaxRequests, "request at once", "requests at once"),
    counted(http.maxRetries, "retry at once", "retries at once"),
  ].filter((text) => text !== undefined);
}

function counted(count: number | undefined, one: string, many = `${one}s`): string | undefined {
  return count === undefined ? undefined : `${count} ${count === 1 ? one : many}`;
}
