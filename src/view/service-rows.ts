// Rows that are made of services, one by one: a client gets those of a service only where it reaches that service by its
// host, and not another service of the same host.

import { ownsHost } from "../model/host-owner.ts";
import type { Model } from "../model/model.ts";
import type { MeshService } from "../model/service.ts";
import type { ScopedRows } from "./scoped-rows.ts";

export type RowsOfServices<T> = ScopedRows<MeshService, T>;

/** What to derive scoped rows by; `own` is asked about clients that reach the service. */
export function rowsOfServices<T>(
  model: Model,
  own: Pick<RowsOfServices<T>, "name" | "build">,
): RowsOfServices<T> {
  const claims = model.hostClaims;
  return {
    name: own.name,
    from: model.services,
    build(context) {
      const { input, read, client } = context;
      return ownsHost(input, { read, claims, client }) ? own.build(context) : new Map<string, T>();
    },
  };
}
