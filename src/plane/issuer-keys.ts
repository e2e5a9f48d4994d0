// The keys of token issuers between who fetches them, where they are stored, and the graph that sends them to proxies.

import { lookup } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import type { HostTarget, ResolveHost } from "../jwks/fetch-document.ts";
import { fetchKeys } from "../jwks/fetch-keys.ts";
import type { AddressRules } from "../jwks/forbidden-address.ts";
import { applyKeyConfigMap, followKeyConfigMap, type KeyConfigMap } from "../jwks/key-config-map.ts";
import { readKeyFile, writeKeyFile } from "../jwks/key-file.ts";
import { type KeyKeeperOptions, startKeyKeeper } from "../jwks/key-keeper.ts";
import type { KeyRecords } from "../jwks/key-record.ts";
import type { ApiClient } from "../kubernetes/api-client.ts";
import { writeIssuerKeys } from "../model/issuer-keys.ts";
import type { Model } from "../model/model.ts";
import { rowKey } from "../model/sources.ts";
import type { ControlPlane } from "./create-control-plane.ts";

interface KeyContext {
  readonly plane: Pick<ControlPlane, "fleet" | "graph" | "model">;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  readonly events: NonNullable<KeyKeeperOptions["events"]>;
}

export interface ClusterIssuerKeys {
  /** While this replica leads; returns what ends it. */
  lead(): () => void;
}

export interface ClusterIssuerKeysOptions extends KeyContext {
  readonly client: ApiClient;
  readonly configMap: KeyConfigMap;
  readonly addresses: AddressRules;
  readonly signal: AbortSignal;
}

/** Resolves when the stored keys are in the graph: without them good tokens would be refused. */
export async function followIssuerKeys(options: ClusterIssuerKeysOptions): Promise<ClusterIssuerKeys> {
  const { plane, clock, random, log, client, configMap, addresses, signal } = options;
  const extraRootsPem = await readExtraRoots();
  let stored: KeyRecords = new Map();
  let seeStored: ((records: KeyRecords) => void) | undefined;
  await followKeyConfigMap(configMap, {
    client,
    clock,
    random,
    log,
    signal,
    onRecords(records) {
      stored = records ?? new Map();
      // One that was deleted is written again by the leader; until then the keys hold.
      if (records !== undefined) commitKeys(plane, records);
      seeStored?.(stored);
    },
  });
  return {
    lead() {
      const keeper = startKeyKeeper({
        ...keeping(options, { resolve: resolveByDns, addresses, extraRootsPem }),
        stored,
        store: (records) => applyKeyConfigMap(client, configMap, records),
      });
      seeStored = keeper.seeStored;
      return () => {
        seeStored = undefined;
        keeper.close();
      };
    },
  };
}

export interface LocalIssuerKeysOptions extends KeyContext {
  readonly path: string;
}

/** Resolves when the stored keys are in the graph, to what ends the keeping. */
export async function keepLocalIssuerKeys(options: LocalIssuerKeysOptions): Promise<() => void> {
  const { plane, path } = options;
  const stored = await readKeyFile(path);
  commitKeys(plane, stored);
  const keeper = startKeyKeeper({
    ...keeping(options, { resolve: resolveInMesh(plane.model), addresses: {}, extraRootsPem: [] }),
    stored,
    async store(records) {
      await writeKeyFile(path, records);
      commitKeys(plane, records);
    },
  });
  return () => keeper.close();
}

interface Fetching {
  readonly resolve: ResolveHost;
  readonly addresses: AddressRules;
  readonly extraRootsPem: readonly string[];
}

function keeping(
  { plane: { model, graph }, clock, random, log, events }: KeyContext,
  how: Fetching,
): Omit<KeyKeeperOptions, "stored" | "store"> {
  const { wanted } = model.requestAuthentications.issuerKeys;
  return {
    ...{ clock, random, log, events },
    wanted: () => wanted.entries(),
    watchWanted: (listener) => graph.watch(wanted, () => listener()),
    fetch: (location, options) => fetchKeys(location, { ...how, ...options, clock }),
  };
}

function commitKeys({ fleet, model }: KeyContext["plane"], records: KeyRecords): void {
  const { found } = model.requestAuthentications.issuerKeys;
  fleet.commit((transaction) => writeIssuerKeys(transaction, found, records), { trigger: "issuer-keys" });
}

const resolveByDns: ResolveHost = async (host, port) => {
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => ({ address, port }));
};

/** A mesh on this machine has Services whose names and addresses only its pods know: their endpoints are asked. */
function resolveInMesh(model: Model): ResolveHost {
  return async (host, port) => endpointsOf(model, host, port) ?? (await resolveByDns(host, port));
}

function endpointsOf(model: Model, host: string, port: number): readonly HostTarget[] | undefined {
  const { clusterDomain } = model.settings.get("") ?? { clusterDomain: "cluster.local" };
  const [name = "", namespace = "", ...rest] = host.split(".");
  const isShort = rest.length === 0 || rest.join(".") === "svc";
  const hostname = isShort ? `${name}.${namespace}.svc.${clusterDomain}` : host;
  const service = model.services.get(rowKey(namespace, hostname));
  if (service === undefined) return undefined;
  const endpoints = model.endpoints.get(rowKey(namespace, hostname)) ?? [];
  return endpoints
    .filter((endpoint) => endpoint.servicePort === port && endpoint.isHealthy)
    .map((endpoint) => ({ address: endpoint.address, port: endpoint.port }));
}

/** Where Istio's chart mounts what `pilot.jwksResolverExtraRootCA` says. */
const EXTRA_ROOTS = "/cacerts/extra.pem";

async function readExtraRoots(): Promise<readonly string[]> {
  try {
    return [await readFile(EXTRA_ROOTS, "utf8")];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
