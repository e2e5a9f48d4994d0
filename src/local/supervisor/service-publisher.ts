// Keeps network, DNS and gateway listeners in line with the Services, EndpointSlices and ServiceEntries of the store.

import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/logger.ts";
import { parseObjectKey } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import type { EndpointSlice } from "../../kinds/endpoint-slice.ts";
import type { Service } from "../../kinds/service.ts";
import type { ServiceEntry } from "../../kinds/service-entry/service-entry.ts";
import type { MeshNetwork } from "../network/mesh-network.ts";
import { stableJson } from "../workloads/template-hash.ts";
import type { WorkloadStore } from "../workloads/workload-store.ts";
import { buildCapturedHosts } from "./captured-hosts.ts";
import type { GatewayPortWish } from "./front-protocol.ts";
import type { GatewayForwarding } from "./gateway-forwarding.ts";
import { planGatewayPorts } from "./gateway-ports.ts";
import { buildDnsServices, buildServiceVips, slicesByService } from "./service-records.ts";

export interface ServicePublisherOptions {
  readonly store: WorkloadStore;
  readonly network: Pick<MeshNetwork, "setServices" | "dns">;
  readonly forwarding: GatewayForwarding;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onWishes: (wishes: readonly GatewayPortWish[]) => void;
  readonly onProblems: (problems: readonly Problem[]) => void;
}

const SETTLE_MS = 5;

/** Starts publishing; returns the function that ends it. */
export function publishServices(options: ServicePublisherOptions): () => void {
  const { store, clock } = options;
  let toldWishes = "[]";
  let cancel: (() => void) | undefined;
  const publish = () => {
    cancel = undefined;
    const services = store.list("Service") as readonly Service[];
    const slices = store.list("EndpointSlice") as readonly EndpointSlice[];
    const { wishes, problems } = planGatewayPorts(services);
    options.forwarding.update(wishes, { services, slices });
    options.onProblems(problems);
    const wishesText = stableJson(wishes);
    if (wishesText !== toldWishes) options.onWishes(wishes);
    toldWishes = wishesText;
    publishAddresses(services, slices, options);
  };
  const schedule = () => {
    cancel ??= clock.after(SETTLE_MS, publish);
  };
  const endWatch = store.watch((changes) => {
    const kinds = new Set([...changes.keys()].map((key) => parseObjectKey(key).kind));
    if (["Service", "EndpointSlice", "ServiceEntry"].some((kind) => kinds.has(kind))) schedule();
  });
  schedule();
  return () => {
    endWatch();
    cancel?.();
  };
}

function publishAddresses(
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  { store, network, log }: ServicePublisherOptions,
): void {
  const grouped = slicesByService(slices);
  const captured = buildCapturedHosts(store.list("ServiceEntry") as readonly ServiceEntry[]);
  network.dns.setRecords({ services: buildDnsServices(services, grouped), captured });
  network.setServices(buildServiceVips(services, grouped)).catch((cause: unknown) => {
    log.error({ cause: cause instanceof Error ? cause.message : String(cause) }, "service rules not applied");
  });
}
