// Rows that are made of services, one by one: a client gets those of a service only where it is this one, of all with its
// host, that it calls by the host, or that rules send to.

import { isDestination, ownsHost } from "../model/host-owner.ts";
import type { Model } from "../model/model.ts";
import type { MeshService } from "../model/service.ts";
import type { ScopedRows } from "./scoped-rows.ts";

export type RowsOfServices<T> = ScopedRows<MeshService, T>;

interface OwnRows<T> extends Pick<RowsOfServices<T>, "name" | "build"> {
  /** Who is asked: clients that call the service, or also those whose rules send to it. */
  readonly reached: "by its host" | "as a destination";
}

/** What to derive scoped rows by; `own` is asked about clients that reach the service. */
export function rowsOfServices<T>(model: Model, own: OwnRows<T>): RowsOfServices<T> {
  const claims = model.hostClaims;
  const isReached = own.reached === "by its host" ? ownsHost : isDestination;
  return {
    name: own.name,
    from: model.services,
    imported: ({ services, destinations }) => (own.reached === "by its host" ? services : destinations),
    build(context) {
      const { input, read, client } = context;
      return isReached(input, { read, claims, client }) ? own.build(context) : new Map<string, T>();
    },
  };
}
