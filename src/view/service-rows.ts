// Rows that are made of services, one by one: a client gets those of a service only where it reaches that service by its
// host, and not another service of the same host.

import { isHostContested, ownsHost } from "../model/host-owner.ts";
import type { Model } from "../model/model.ts";
import type { MeshService } from "../model/service.ts";
import type { ScopedDerivation } from "./scoped-rows.ts";

type ServiceDerivation<T> = ScopedDerivation<MeshService, T>;

export type RowsOfServices<T> = Omit<ServiceDerivation<T>, "scopes" | "mesh">;

/** What to derive scoped rows by; `own` needn't say that the owner of a host depends on the client. */
export function rowsOfServices<T>(
  model: Model,
  own: Pick<ServiceDerivation<T>, "name" | "isClientDependent" | "build">,
): RowsOfServices<T> {
  const claims = model.hostClaims;
  return {
    name: own.name,
    from: model.services,
    visibility: ({ visibility }) => visibility,
    isClientDependent: (context) =>
      isHostContested(context.input, { read: context.read, claims }) || own.isClientDependent(context),
    build(context) {
      const { input, read, client } = context;
      const isOwner = ownsHost(input, { read, claims, namespace: client.namespace });
      return isOwner ? own.build(context) : new Map<string, T>();
    },
  };
}
