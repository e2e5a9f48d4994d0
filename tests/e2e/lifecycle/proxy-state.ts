// What an Envoy of the mesh has and how often it was told something: to show that nothing reached it.

import { createHash } from "node:crypto";
import { openMesh } from "../../../src/cli/mesh-client.ts";
import type { RunningMesh } from "../mesh/running-mesh.ts";

/** Counters that move when Envoy gets, applies, refuses or drains something; by name. */
export type ProxyCounters = Readonly<Record<string, number>>;

// Every counter of xDS subscriptions but attempts and failures: a stream that breaks is one, whatever is sent.
const SUBSCRIPTIONS =
  "(cds|lds|[.]rds[.].*|cluster[.].*)[.](update_success|update_rejected|config_reload|update_empty|update_no_rebuild)$";
const CHANGES =
  "(cluster_manager[.]cluster_(added|modified|removed)|cluster_manager[.](warming|active)_clusters|listener_manager[.](listener_(added|modified|removed|in_place_updated)|total_(listeners|filter_chains)_(draining|warming)|total_listeners_active)|sds[.].*[.]update_(success|rejected))$";

interface Stat {
  readonly name?: string;
  readonly value?: number;
}

export async function proxyCounters(mesh: RunningMesh, workload: string): Promise<ProxyCounters> {
  const path = `/stats?format=json&filter=${encodeURIComponent(`${SUBSCRIPTIONS}|${CHANGES}`)}`;
  const { stats } = await askEnvoy<{ readonly stats: readonly Stat[] }>(mesh, workload, path);
  return Object.fromEntries(
    stats.flatMap(({ name, value }) => (name === undefined || value === undefined ? [] : [[name, value]])),
  );
}

/** The sum of an Envoy's statistics whose names match. */
export async function proxyGauge(mesh: RunningMesh, workload: string, filter: string): Promise<number> {
  const path = `/stats?format=json&filter=${encodeURIComponent(filter)}`;
  const { stats } = await askEnvoy<{ readonly stats: readonly Stat[] }>(mesh, workload, path);
  return stats.reduce((sum, { value = 0 }) => sum + value, 0);
}

/** Over how long an Envoy asks its clients to leave, such as `45s`. */
export async function proxyDrainTime(mesh: RunningMesh, workload: string): Promise<string> {
  interface ServerInfo {
    readonly command_line_options: { readonly drain_time: string };
  }
  return (await askEnvoy<ServerInfo>(mesh, workload, "/server_info")).command_line_options.drain_time;
}

/** All that an Envoy was given, as a hash for each resource by its section and name; without times. */
export async function proxyConfig(
  mesh: RunningMesh,
  workload: string,
): Promise<Readonly<Record<string, string>>> {
  type Section = Readonly<Record<string, unknown>>;
  interface Dump {
    readonly configs: readonly Section[];
  }
  const { configs } = await askEnvoy<Dump>(mesh, workload, "/config_dump?include_eds");
  // Endpoints of clusters that find them by themselves come and go with connections.
  const isGiven = (field: string) => field !== "static_endpoint_configs";
  const resources = configs.flatMap((section) =>
    Object.entries(section).flatMap(([field, list]) =>
      isGiven(field) && Array.isArray(list) ? namedHashes(field, list) : [],
    ),
  );
  return Object.fromEntries(resources);
}

function namedHashes(field: string, resources: readonly unknown[]): readonly (readonly [string, string])[] {
  return resources.map((resource) => {
    const text = JSON.stringify(resource, withoutTimes);
    const [, name = ""] = /"(?:cluster_name|name)":"([^"]*)"/.exec(text) ?? [];
    return [`${field} ${name}`, createHash("sha256").update(text).digest("hex").slice(0, 12)];
  });
}

/** Envoy prints maps in any order. */
function withoutTimes(key: string, value: unknown): unknown {
  if (key === "last_updated") return undefined;
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** The serial numbers of its certificate chain: another one for each certificate. */
export async function proxyCertificate(mesh: RunningMesh, workload: string): Promise<readonly string[]> {
  interface Certificates {
    readonly certificates: readonly { readonly cert_chain?: readonly { readonly serial_number: string }[] }[];
  }
  const { certificates } = await askEnvoy<Certificates>(mesh, workload, "/certs");
  return certificates.flatMap(({ cert_chain = [] }) => cert_chain.map((each) => each.serial_number));
}

export async function askEnvoy<T>(mesh: RunningMesh, workload: string, path: string): Promise<T> {
  const [pod] = await mesh.pods(workload);
  const client = openMesh({ MELTEMI_STATE_DIR: mesh.stateDirectory });
  return client.get<T>("supervisor", "/envoy", { namespace: pod?.namespace, pod: pod?.name, path });
}
