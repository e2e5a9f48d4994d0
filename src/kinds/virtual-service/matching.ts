// How a VirtualService tells requests and connections apart.

import type { TypeOf } from "../schema.ts";
import { flag, list, map, message, text, uint32 } from "../schema.ts";

/** `StringMatch` */
export const stringMatch = message(
  {
    exact: text(),
    prefix: text(),
    regex: text(),
  },
  { oneofs: [["exact", "prefix", "regex"]] },
);

/** `HTTPMatchRequest` */
export const httpMatchRequest = message({
  name: text(),
  uri: stringMatch,
  scheme: stringMatch,
  method: stringMatch,
  authority: stringMatch,
  headers: map(stringMatch),
  port: uint32(),
  sourceLabels: map(text()),
  gateways: list(text()),
  queryParams: map(stringMatch),
  ignoreUriCase: flag(),
  withoutHeaders: map(stringMatch),
  sourceNamespace: text(),
  statPrefix: text(),
});

/** `TLSMatchAttributes` */
export const tlsMatchAttributes = message(
  {
    destinationSubnets: list(text()),
    port: uint32(),
    sourceLabels: map(text()),
    gateways: list(text()),
    sourceNamespace: text(),
  },
  {
    required: {
      sniHosts: list(text()),
    },
  },
);

/** `L4MatchAttributes` */
export const l4MatchAttributes = message({
  destinationSubnets: list(text()),
  port: uint32(),
  sourceSubnet: text(),
  sourceLabels: map(text()),
  gateways: list(text()),
  sourceNamespace: text(),
});

export type StringMatch = TypeOf<typeof stringMatch>;
export type HttpMatchRequest = TypeOf<typeof httpMatchRequest>;
export type TlsMatchAttributes = TypeOf<typeof tlsMatchAttributes>;
export type L4MatchAttributes = TypeOf<typeof l4MatchAttributes>;
