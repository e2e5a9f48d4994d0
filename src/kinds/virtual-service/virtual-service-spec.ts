// The schema of the spec of kind VirtualService, and the types that follow from it.

import type { TypeOf } from "../schema.ts";
import { list, message, text } from "../schema.ts";
import { httpRoute } from "./http-route.ts";
import { tcpRoute, tlsRoute } from "./tcp-route.ts";

export const virtualServiceSpec = message({
  hosts: list(text()),
  gateways: list(text()),
  http: list(httpRoute),
  tls: list(tlsRoute),
  tcp: list(tcpRoute),
  exportTo: list(text()),
});

export type VirtualServiceSpec = TypeOf<typeof virtualServiceSpec>;
