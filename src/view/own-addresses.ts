// The addresses of a service at which a client meets it, and not another service that claims the same address.

import { isTls } from "../core/protocol.ts";
import type { Read } from "../graph/read.ts";
import { addressOwner, claimants } from "../model/address-claims.ts";
import type { Client } from "../model/client.ts";
import { ownsHost } from "../model/host-owner.ts";
import type { Model } from "../model/model.ts";
import { byPrecedence, type MeshService, type MeshServicePort } from "../model/service.ts";
import type { ServiceOnPort } from "./port-chains.ts";

interface AddressesOnPort {
  readonly service: MeshService;
  readonly port: MeshServicePort;
  readonly addresses: readonly string[];
}

interface Context {
  readonly read: Read;
  readonly model: Model;
  readonly client: Pick<Client, "isIn" | "imports">;
}

export function ownAddresses(
  { service, port, addresses }: AddressesOnPort,
  { read, model, client }: Context,
): readonly string[] {
  const competes = (other: MeshService) => ownsHost(other, { read, claims: model.hostClaims, client });
  return addresses.filter((address) => {
    const lookup = { read, claims: model.addressClaims, address, port: port.number, competes };
    return addressOwner(service, lookup) === service;
  });
}

/** Other hosts at an address of a ServiceEntry's, which TLS server names tell apart there. Services of the cluster share none. */
export function sharersOf(
  { service, port, address }: ServiceOnPort & { readonly address: string },
  { read, model, client }: Context,
): readonly ServiceOnPort[] {
  const maySpeak = (other: MeshService, { protocol }: MeshServicePort) =>
    other.registry !== "Kubernetes" && isTls(protocol);
  if (!maySpeak(service, port)) return [];
  const lookup = { read, claims: model.hostClaims, client };
  return claimants({ read, claims: model.addressClaims, address })
    .filter((other) => other !== service && ownsHost(other, lookup))
    .sort(byPrecedence)
    .flatMap((other) => {
      const shared = other.ports.find(({ number }) => number === port.number);
      return shared !== undefined && maySpeak(other, shared) ? [{ service: other, port: shared }] : [];
    });
}
