// IP addresses and ranges of policies as Envoy's.

import { parseCidr } from "../../core/cidr.ts";
import type { CidrRangeSchema } from "../../gen/envoy/config/core/v3/address_pb.ts";
import type { Plain } from "../encode.ts";

/** Undefined for what is neither an address nor a range. */
export function addressRange(text: string): Plain<typeof CidrRangeSchema> | undefined {
  const range = parseCidr(text);
  if (range === undefined) return undefined;
  return { addressPrefix: text.split("/", 1)[0] ?? "", prefixLen: range.prefixLength };
}
