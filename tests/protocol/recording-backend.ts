// A backend for protocol tests: one set for all clients, and a record of what passed, on which tests wait.

import { systemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import type { GrpcEndpoint, GrpcServerOptions } from "../../src/grpc/server.ts";
import { GrpcServer } from "../../src/grpc/server.ts";
import type { XdsBackend, XdsClient, XdsSession, XdsStreamHandle } from "../../src/xds/backend.ts";
import type { ResourceSet } from "../../src/xds/resource.ts";
import { createResourceSet } from "../../src/xds/resource.ts";
import type { ResourceType } from "../../src/xds/resource-type.ts";
import { createXdsServer } from "../../src/xds/xds-server.ts";
import type { Lifetime } from "./envoy-process.ts";
import type { TypedResource } from "./mesh-resources.ts";
import { routes } from "./mesh-resources.ts";

export type BackendEvent =
  | { readonly kind: "opened"; readonly client: XdsClient }
  | {
      readonly kind: "sent";
      readonly type: ResourceType;
      readonly resourceCount: number;
      readonly removedCount: number;
      readonly bytes: number;
    }
  | {
      readonly kind: "acknowledged";
      readonly type: ResourceType;
      readonly names: readonly string[];
      readonly versions: readonly string[];
    }
  | {
      readonly kind: "rejected";
      readonly type: ResourceType;
      readonly names: readonly string[];
      readonly detail: string;
    }
  | { readonly kind: "closed" };

export class RecordingBackend implements XdsBackend {
  readonly events: BackendEvent[] = [];
  readonly #streams = new Set<XdsStreamHandle>();
  readonly #watchers = new Set<() => void>();
  #set: ResourceSet;

  constructor(resources: readonly TypedResource[]) {
    this.#set = createResourceSet(resources);
  }

  open(client: XdsClient, stream: XdsStreamHandle): ReturnType<XdsBackend["open"]> {
    this.#streams.add(stream);
    this.#record({ kind: "opened", client });
    const session: XdsSession = {
      initialSet: () => this.#set,
      clientKey: client.nodeId,
      emptyResource: (type, name) => (type === "route" ? routes(name)[1] : undefined),
      acknowledged: (type, _nonce, resources) =>
        this.#record({
          kind: "acknowledged",
          type,
          names: resources.map(({ name }) => name),
          versions: resources.map(({ version }) => version),
        }),
      rejected: (type, { refused, detail }) =>
        this.#record({
          kind: "rejected",
          type,
          names: refused.map(({ resource: { name } }) => name),
          detail,
        }),
      sent: (type, _nonce, response) => this.#record({ kind: "sent", type, ...response }),
    };
    const closed = () => {
      this.#streams.delete(stream);
      this.#record({ kind: "closed" });
    };
    return { kind: "accepted", conversation: { join: () => ({ kind: "joined", session }), closed } };
  }

  publish(resources: readonly TypedResource[]): void {
    this.#set = createResourceSet(resources);
    for (const stream of this.#streams) stream.publish(this.#set, "all");
  }

  disconnectAll(): void {
    for (const stream of [...this.#streams]) stream.close("UNAVAILABLE", "reconnect");
  }

  /** Resolves when an event after number `from` satisfies the test. */
  until(what: string, test: (event: BackendEvent) => boolean, from = 0): Promise<BackendEvent> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#watchers.delete(check);
        reject(new Error(`Never ${what}; had ${JSON.stringify(this.events.slice(from).map(briefly))}`));
      }, 20_000);
      const check = () => {
        const found = this.events.slice(from).find(test);
        if (found === undefined) return;
        clearTimeout(timer);
        this.#watchers.delete(check);
        resolve(found);
      };
      this.#watchers.add(check);
      check();
    });
  }

  /** Resolves when the client has acknowledged this very resource. */
  untilAcknowledged([type, { name, version }]: TypedResource, from = 0): Promise<BackendEvent> {
    return this.until(
      `acknowledged ${type} ${name}`,
      (event) =>
        event.kind === "acknowledged" &&
        event.type === type &&
        event.versions.includes(version) &&
        event.names.includes(name),
      from,
    );
  }

  #record(event: BackendEvent): void {
    this.events.push(event);
    for (const watcher of [...this.#watchers]) watcher();
  }
}

function briefly(event: BackendEvent): unknown {
  return event.kind === "opened" ? { kind: event.kind } : event;
}

/** Serves the backend over ADS until the test ends; returns the TCP port where there is one. */
export async function serve(
  t: Lifetime,
  backend: XdsBackend,
  endpoint: GrpcEndpoint,
  options: Partial<GrpcServerOptions> = {},
): Promise<number | undefined> {
  const server = new GrpcServer({ clock: systemClock, log: silentLogger, random: () => 0.5, ...options });
  t.after(() => server.close());
  const xds = createXdsServer(backend, { clock: systemClock, log: silentLogger });
  const { port } = await server.listen(endpoint, { methods: xds.methods({ servesSecrets: false }) });
  return port;
}
