// One ADS stream as an Envoy sidecar holds it: all clusters, then the endpoints they name, then all listeners, and the
// routes and policies that these name; every response is acknowledged. It counts what it gets and keeps no resource.

import { create, toBinary } from "@bufbuild/protobuf";
import { DeltaDiscoveryRequestSchema } from "../../src/gen/envoy/service/discovery/v3/discovery_pb.ts";
import type { GrpcClient } from "../../src/grpc/client.ts";
import type { BidiClientCall } from "../../src/grpc/client-call.ts";
import type { GrpcError } from "../../src/grpc/status.ts";
import { deltaProtocol } from "../../src/xds/delta-protocol.ts";
import { type ResourceType, typeUrlOf } from "../../src/xds/resource-type.ts";
import { type DeltaResponse, readDeltaResponse } from "./delta-response.ts";
import { knownTypeOf, type NeededType, type ResourceNeeds } from "./resource-needs.ts";
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
  /** What was asked for by name, and whether it was answered. */
  readonly #asked: Readonly<Record<NeededType, Map<string, boolean>>> = {
    endpoint: new Map(),
    route: new Map(),
    "extension-config": new Map(),
  };
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
    if (isNeeded(type)) {
      for (const { name } of response.resources) this.#answered(type, name);
      for (const name of response.removed) this.#answered(type, name);
    }
    const isFirst = !this.#answeredTypes.has(type);
    this.#answeredTypes.add(type);
    this.#askForNeeds(type, response);
    this.#send(type, { nonce: response.nonce });
    // Envoy has its clusters warm before it asks for listeners.
    if (type === "endpoint" && isFirst) this.#send("listener", {});
    this.#options.received(this, type, bytes.length);
  }

  #answered(type: NeededType, name: string): void {
    if (this.#asked[type].get(name) !== false) return;
    this.#asked[type].set(name, true);
    this.#unansweredCount -= 1;
  }

  #askForNeeds(type: ResourceType, { resources }: DeltaResponse): void {
    const newNames = new Map<NeededType, string[]>();
    for (const resource of resources) {
      for (const needed of this.#options.needs.of(type, resource)) {
        const asked = this.#asked[needed.type];
        if (asked.has(needed.name)) continue;
        asked.set(needed.name, false);
        newNames.set(needed.type, [...(newNames.get(needed.type) ?? []), needed.name]);
        this.#unansweredCount += 1;
      }
    }
    for (const [needed, names] of newNames) this.#send(needed, { names });
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

function isNeeded(type: ResourceType): type is NeededType {
  return type === "endpoint" || type === "route" || type === "extension-config";
}
