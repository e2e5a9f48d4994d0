// Envoy's ranges of addresses on an address.

import { cidrContains, parseCidr } from "../core/cidr.ts";
import type { CidrRange } from "../gen/envoy/config/core/v3/address_pb.ts";
import type { Call } from "./call.ts";
import { type Fact, known, ofFact, type Truth } from "./truth.ts";

export function matchesAddress(range: CidrRange, address: Fact<string>, words: string): Truth {
  const { addressPrefix, prefixLen = 0 } = range;
  const wanted = parseCidr(`${addressPrefix}/${prefixLen}`);
  return ofFact(address, words, (text) => {
    const found = parseCidr(text);
    return wanted !== undefined && found !== undefined && cidrContains(wanted, found);
  });
}

/** Of whoever the call is for: a proxy on the way says so in a header, in which the last one is believed. */
export function remoteAddress({ request, sourceIp }: Call): Fact<string> {
  if (request === undefined) return sourceIp;
  if (request.headers === undefined) return undefined;
  const last = request.headers.known.get("x-forwarded-for")?.split(",").at(-1)?.trim();
  return last !== undefined && parseCidr(last) !== undefined ? known(last) : sourceIp;
}
