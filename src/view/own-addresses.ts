// The addresses of a service at which a client meets it, and not another service that claims the same address.

import type { Read } from "../graph/read.ts";
import { addressOwner, claimants } from "../model/address-claims.ts";
import { isHostContested, ownsHost } from "../model/host-owner.ts";
import type { Model } from "../model/model.ts";
import type { MeshService, MeshServicePort } from "../model/service.ts";
import type { ClientScope } from "./client-scope.ts";

interface AddressesOnPort {
  readonly service: MeshService;
  readonly port: MeshServicePort;
  readonly addresses: readonly string[];
}

interface Context {
  readonly read: Read;
  readonly model: Model;
  readonly client: Pick<ClientScope, "namespace">;
}

export function ownAddresses(
  { service, port, addresses }: AddressesOnPort,
  { read, model, client }: Context,
): readonly string[] {
  const { namespace } = client;
  const competes = (other: MeshService) => ownsHost(other, { read, claims: model.hostClaims, namespace });
  return addresses.filter((address) => {
    const lookup = { read, claims: model.addressClaims, address, port: port.number, competes };
    return addressOwner(service, lookup) === service;
  });
}

/** Some clients reach a service that claims one of its addresses, and others don't. */
export function isContestedForSome(
  { addresses }: MeshService,
  { read, model }: Omit<Context, "client">,
): boolean {
  return addresses.some((address) =>
    claimants({ read, claims: model.addressClaims, address }).some(
      (service) =>
        service.visibility !== "public" || isHostContested(service, { read, claims: model.hostClaims }),
    ),
  );
}
