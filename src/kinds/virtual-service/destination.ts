// Where a VirtualService sends traffic.

import type { TypeOf } from "../schema.ts";
import { int32, list, map, message, text, uint32 } from "../schema.ts";

/** `PortSelector` */
export const portSelector = message({
  number: uint32(),
});

/** `Destination` */
export const destination = message(
  {
    subset: text(),
    port: portSelector,
  },
  {
    required: {
      host: text(),
    },
  },
);

/** `Headers.HeaderOperations` */
export const headerOperations = message({
  set: map(text()),
  add: map(text()),
  remove: list(text()),
});

/** `Headers` */
export const headers = message({
  request: headerOperations,
  response: headerOperations,
});

/** `HTTPRouteDestination` */
export const httpRouteDestination = message(
  {
    weight: int32(),
    headers: headers,
  },
  {
    required: {
      destination: destination,
    },
  },
);

/** `RouteDestination` */
export const routeDestination = message(
  {
    weight: int32(),
  },
  {
    required: {
      destination: destination,
    },
  },
);

export type PortSelector = TypeOf<typeof portSelector>;
export type Destination = TypeOf<typeof destination>;
export type HeaderOperations = TypeOf<typeof headerOperations>;
export type Headers = TypeOf<typeof headers>;
export type HttpRouteDestination = TypeOf<typeof httpRouteDestination>;
export type RouteDestination = TypeOf<typeof routeDestination>;
