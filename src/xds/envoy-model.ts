// Envoy's side of delta ADS as far as order matters, for tests: clusters that warm, a withheld ACK, subscriptions that
// follow from what was received. What must never happen to it is thrown at once.

import type { Resource } from "./resource.ts";
import type { ResourceType } from "./resource-type.ts";
import type { PlannedResponse } from "./type-state.ts";
import type { DeltaRequest } from "./xds-request.ts";

export type ModelRequest = Pick<
  DeltaRequest,
  "subscribe" | "unsubscribe" | "initialVersions" | "responseNonce" | "errorDetail"
> & { readonly type: ResourceType };

export interface SentToModel extends PlannedResponse {
  readonly nonce: string;
}

export class EnvoyModel {
  /** Requests on their way to the server. */
  readonly requests: ModelRequest[] = [];
  readonly clusters = new Map<string, Resource>();
  readonly listeners = new Map<string, Resource>();
  readonly routes = new Map<string, Resource>();
  readonly endpoints = new Map<string, Resource>();
  /** Clusters that were refused at some time: a route to them can't be blamed on the order. */
  readonly refusedClusters = new Set<string>();
  routeUpdateCount = 0;
  #warming = new Map<string, Resource>();
  #withheldAcks: string[] = [];
  #wantedEndpoints = new Set<string>();
  #wantedRoutes = new Set<string>();
  #hasAskedForListeners = false;

  constructor() {
    this.#request("cluster", {});
  }

  receive({ type, resources, removed, nonce }: SentToModel, isRefused: boolean): void {
    const received = new Map(
      resources.flatMap(({ name, resource }) => (resource ? [[name, resource] as const] : [])),
    );
    const isNack = isRefused && received.size > 0 && type !== "endpoint";
    if (isNack && type === "cluster") for (const name of received.keys()) this.refusedClusters.add(name);
    const applied = isNack ? new Map<string, Resource>() : received;
    if (type === "cluster") this.#receiveClusters(applied, removed);
    else if (type === "endpoint") this.#receiveEndpoints(applied, removed);
    else if (type === "listener") this.#receiveListeners(applied, removed);
    else if (type === "route") this.#receiveRoutes(applied);
    if (isNack) this.#request(type, { responseNonce: nonce, errorDetail: "refused" });
    else if (type === "cluster") this.#withheldAcks.push(nonce);
    else this.#request(type, { responseNonce: nonce });
    this.#whenWarm();
  }

  /** The stream broke: warming goes on, and the new stream starts with what is held. */
  reconnect(): void {
    this.requests.length = 0;
    this.#withheldAcks = [];
    this.#request("cluster", { initialVersions: versionsOf([...this.clusters, ...this.#warming]) });
    const wanted = [
      ["endpoint", this.#wantedEndpoints, this.endpoints],
      ["route", this.#wantedRoutes, this.routes],
    ] as const;
    for (const [type, names, held] of wanted) {
      if (names.size > 0) this.#request(type, { subscribe: [...names], initialVersions: versionsOf(held) });
    }
    if (this.#hasAskedForListeners)
      this.#request("listener", { initialVersions: versionsOf(this.listeners) });
  }

  #receiveClusters(added: ReadonlyMap<string, Resource>, removed: readonly string[]): void {
    for (const name of removed) {
      for (const [route, { needs }] of this.routes) {
        const isUsed = [...this.listeners.values()].some((listener) =>
          listener.needs.some((need) => need.name === route),
        );
        if (isUsed && needs.some((need) => need.name === name)) {
          throw new Error(`cluster ${name} was removed while route ${route} uses it`);
        }
      }
      this.clusters.delete(name);
      this.#warming.delete(name);
    }
    for (const [name, cluster] of added) this.#warming.set(name, cluster);
    this.#follow("endpoint", this.#wantedEndpoints, [...this.clusters.values(), ...this.#warming.values()]);
    for (const name of this.endpoints.keys())
      if (!this.#wantedEndpoints.has(name)) this.endpoints.delete(name);
  }

  #receiveEndpoints(added: ReadonlyMap<string, Resource>, removed: readonly string[]): void {
    for (const name of removed) this.endpoints.delete(name);
    for (const [name, endpoints] of added)
      if (this.#wantedEndpoints.has(name)) this.endpoints.set(name, endpoints);
    const answered = new Set([...added.keys(), ...removed]);
    for (const [name, cluster] of [...this.#warming]) {
      if (!cluster.needs.every((need) => answered.has(need.name))) continue;
      this.#warming.delete(name);
      this.clusters.set(name, cluster);
    }
  }

  #receiveListeners(added: ReadonlyMap<string, Resource>, removed: readonly string[]): void {
    for (const name of removed) this.listeners.delete(name);
    for (const [name, listener] of added) this.listeners.set(name, listener);
    this.#follow("route", this.#wantedRoutes, [...this.listeners.values()]);
    for (const name of this.routes.keys()) if (!this.#wantedRoutes.has(name)) this.routes.delete(name);
  }

  #receiveRoutes(added: ReadonlyMap<string, Resource>): void {
    for (const [name, route] of added) {
      if (!this.#wantedRoutes.has(name)) continue;
      this.routeUpdateCount += 1;
      for (const need of route.needs) {
        if (this.clusters.has(need.name) || this.refusedClusters.has(need.name)) continue;
        throw new Error(`route ${name} leads to cluster ${need.name}, which isn't warm`);
      }
      this.routes.set(name, route);
    }
  }

  #whenWarm(): void {
    if (this.#warming.size > 0) return;
    for (const nonce of this.#withheldAcks) this.#request("cluster", { responseNonce: nonce });
    if (this.#withheldAcks.length > 0 && !this.#hasAskedForListeners) {
      this.#hasAskedForListeners = true;
      this.#request("listener", {});
    }
    this.#withheldAcks = [];
  }

  /** Subscribes to what is needed now and unsubscribes from what isn't any more. */
  #follow(type: ResourceType, wanted: Set<string>, parents: readonly Resource[]): void {
    const needed = new Set(
      parents.flatMap(({ needs }) => needs.filter((need) => need.type === type)).map(({ name }) => name),
    );
    const subscribe = [...needed].filter((name) => !wanted.has(name));
    const unsubscribe = [...wanted].filter((name) => !needed.has(name));
    for (const name of subscribe) wanted.add(name);
    for (const name of unsubscribe) wanted.delete(name);
    if (subscribe.length + unsubscribe.length > 0) this.#request(type, { subscribe, unsubscribe });
  }

  #request(type: ResourceType, parts: Partial<ModelRequest>): void {
    this.requests.push({
      type,
      subscribe: [],
      unsubscribe: [],
      initialVersions: new Map(),
      responseNonce: "",
      errorDetail: undefined,
      ...parts,
    });
  }
}

function versionsOf(resources: Iterable<readonly [string, Resource]>): ReadonlyMap<string, string> {
  return new Map([...resources].map(([name, { version }]) => [name, version]));
}
