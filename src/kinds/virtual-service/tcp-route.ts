// What a VirtualService does with TLS and TCP connections.

import type { TypeOf } from "../schema.ts";
import { list, message } from "../schema.ts";
import { routeDestination } from "./destination.ts";
import { l4MatchAttributes, tlsMatchAttributes } from "./matching.ts";

/** `TLSRoute` */
export const tlsRoute = message(
  {
    route: list(routeDestination),
  },
  {
    required: {
      match: list(tlsMatchAttributes),
    },
  },
);

/** `TCPRoute` */
export const tcpRoute = message({
  match: list(l4MatchAttributes),
  route: list(routeDestination),
});

export type TlsRoute = TypeOf<typeof tlsRoute>;
export type TcpRoute = TypeOf<typeof tcpRoute>;
