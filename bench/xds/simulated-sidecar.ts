// One ADS stream as an Envoy sidecar holds it: all clusters, then the endpoints they name, then all listeners and the
// routes these name; every response is acknowledged. It counts what it gets and keeps no resource.

import { create, toBinary } from "@bufbuild/protobuf";
import { DeltaDiscoveryRequestSchema } from "../../src/gen/envoy/service/discovery/v3/discovery_pb.ts";
import type { GrpcClient } from "../../src/grpc/client.ts";
import type { BidiClientCall } from "../../src/grpc/client-call.ts";
import type { GrpcError } from "../../src/grpc/status.ts";
import { deltaProtocol } from "../../src/xds/delta-protocol.ts";
import { type ResourceType, typeUrlOf } from "../../src/xds/resource-type.ts";
import { type DeltaResponse, readDeltaResponse } from "./delta-response.ts";
import { knownTypeOf, type ResourceNeeds } from "./resource-needs.ts";
import type { SidecarIdentity } from "./sidecar-identity.ts";

export interface SidecarOptions {
  readonly client: GrpcClient;
  readonly needs: ResourceNeeds;
  /** After each response that was read and acknowledged. */
  readonly received: (sidecar: SimulatedSidecar, type: ResourceType, bytes: number) => void;
  readonly closed: (sidecar: SimulatedSidecar, error: GrpcError | undefined) => void;
}

export class SimulatedSidecar {
  readonly identity: SidecarIdentity;
  readonly #options: SidecarOptions;
  readonly #call: BidiClientCall;
  /** Names of endpoints and routes that were asked for, and whether they were answered. */
  readonly #asked = { endpoint: new Map<string, boolean>(), route: new Map<string, boolean>() };
  #unansweredCount = 0;
  readonly #answeredTypes = new Set<ResourceType>();
  readonly #counts = new Map<ResourceType, number>();

  /** Connects, and asks for clusters at once. */
  constructor(identity: SidecarIdentity, options: SidecarOptions) {
    this.identity = identity;
    this.#options = options;
    this.#call = options.client.bidi(deltaProtocol.path, {
      message: (bytes) => this.#receive(bytes),
      closed: (error) => options.closed(this, error),
    });
    this.#send("cluster", { isFirst: true });
  }

  /** Everything that was asked for has arrived. */
  get isInStep(): boolean {
    const types: readonly ResourceType[] = ["cluster", "listener"];
    return types.every((type) => this.#answeredTypes.has(type)) && this.#unansweredCount === 0;
  }

  /** How many resources of a type came, those that came again included. */
  count(type: ResourceType): number {
    return this.#counts.get(type) ?? 0;
  }

  close(): void {
    this.#call.cancel();
  }

  #receive(bytes: Uint8Array): void {
    const response = readDeltaResponse(bytes);
    const type = knownTypeOf(response.typeUrl);
    this.#counts.set(type, this.count(type) + response.resources.length);
    if (type === "endpoint" || type === "route") {
      for (const { name } of response.resources) this.#answered(type, name);
      for (const name of response.removed) this.#answered(type, name);
    }
    const isFirst = !this.#answeredTypes.has(type);
    this.#answeredTypes.add(type);
    if (type === "cluster") this.#ask("endpoint", this.#newNames("endpoint", type, response));
    if (type === "listener") this.#ask("route", this.#newNames("route", type, response));
    this.#send(type, { nonce: response.nonce });
    // Envoy has its clusters warm before it asks for listeners.
    if (type === "endpoint" && isFirst) this.#send("listener", {});
    this.#options.received(this, type, bytes.length);
  }

  #answered(type: "endpoint" | "route", name: string): void {
    if (this.#asked[type].get(name) !== false) return;
    this.#asked[type].set(name, true);
    this.#unansweredCount -= 1;
  }

  #newNames(
    needed: "endpoint" | "route",
    type: ResourceType,
    { resources }: DeltaResponse,
  ): readonly string[] {
    const asked = this.#asked[needed];
    const names: string[] = [];
    for (const resource of resources) {
      for (const name of this.#options.needs.of(type, resource)) {
        if (asked.has(name)) continue;
        asked.set(name, false);
        names.push(name);
      }
    }
    this.#unansweredCount += names.length;
    return names;
  }

  #ask(type: ResourceType, names: readonly string[]): void {
    if (names.length > 0) this.#send(type, { names });
  }

  #send(
    type: ResourceType,
    {
      nonce = "",
      names = [],
      isFirst = false,
    }: { readonly nonce?: string; readonly names?: readonly string[]; readonly isFirst?: boolean },
  ): void {
    const request = create(DeltaDiscoveryRequestSchema, {
      typeUrl: typeUrlOf(type),
      responseNonce: nonce,
      resourceNamesSubscribe: [...names],
      ...(isFirst ? { node: this.identity.node } : {}),
    });
    this.#call.write([toBinary(DeltaDiscoveryRequestSchema, request)]);
  }
}
