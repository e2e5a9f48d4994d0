// Joins the machine's listeners with the gateways behind them: each connection goes to the next ready endpoint
// of the Service's port, looked up when it comes.

import type { Server } from "node:net";
import type { GatewayAddress } from "../../admin/contract/supervisor.ts";
import type { Logger } from "../../core/logger.ts";
import type { EndpointSlice } from "../../kinds/endpoint-slice.ts";
import type { Service } from "../../kinds/service.ts";
import type { Forwarding } from "../front/forward-connections.ts";
import { forwardConnections } from "../front/forward-connections.ts";
import type { GatewayPortWish } from "./front-protocol.ts";
import { readyTargets, slicesByService } from "./service-records.ts";

export class GatewayForwarding {
  readonly #forwardings = new Map<string, Forwarding>();
  readonly #hostPorts = new Map<string, number>();
  #wishes: readonly GatewayPortWish[] = [];
  #services: readonly Service[] = [];
  #slices: ReadonlyMap<string, readonly EndpointSlice[]> = new Map();
  readonly #log: Logger;
  #turn = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** What may be asked for from now on; listeners of ports that are gone are closed. */
  update(
    wishes: readonly GatewayPortWish[],
    objects: { readonly services: readonly Service[]; readonly slices: readonly EndpointSlice[] },
  ): void {
    this.#wishes = wishes;
    this.#services = objects.services;
    this.#slices = slicesByService(objects.slices);
    const wanted = new Set(wishes.map(({ listener }) => listener));
    for (const [listener, forwarding] of this.#forwardings) {
      if (wanted.has(listener)) continue;
      forwarding.close();
      this.#forwardings.delete(listener);
      this.#hostPorts.delete(listener);
    }
  }

  /** A listener that the front passed; one that was there before is closed. */
  attach(listener: string, server: Server): void {
    this.#forwardings.get(listener)?.close();
    const options = { target: () => this.#nextTarget(listener), log: this.#log };
    this.#forwardings.set(listener, forwardConnections(server, options));
  }

  setHostPort(listener: string, hostPort: number): void {
    this.#hostPorts.set(listener, hostPort);
  }

  addresses(): readonly GatewayAddress[] {
    return this.#wishes.flatMap(({ listener, namespace, service, port, protocol }) => {
      const hostPort = this.#hostPorts.get(listener);
      const scheme = protocol === "tcp" ? "tcp" : protocol;
      return hostPort === undefined
        ? []
        : [{ namespace, name: service, port, url: `${scheme}://localhost:${hostPort}` }];
    });
  }

  close(): void {
    for (const forwarding of this.#forwardings.values()) forwarding.close();
    this.#forwardings.clear();
  }

  #nextTarget(listener: string) {
    const wish = this.#wishes.find((candidate) => candidate.listener === listener);
    const service = this.#services.find(
      ({ metadata }) => metadata.namespace === wish?.namespace && metadata.name === wish.service,
    );
    if (wish === undefined || service === undefined) return undefined;
    const targets = readyTargets(service, wish.port, this.#slices);
    this.#turn += 1;
    const [host, port] = targets[this.#turn % Math.max(1, targets.length)]?.split(":") ?? [];
    return host === undefined ? undefined : ({ kind: "tcp", host, port: Number(port) } as const);
  }
}
