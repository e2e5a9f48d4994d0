// Names that a peer's certificate must have one of.

import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  SubjectAltNameMatcher_SanType,
  type SubjectAltNameMatcherSchema,
} from "../gen/envoy/extensions/transport_sockets/tls/v3/common_pb.ts";

/** Each as a URI or a DNS name, by its form: the API doesn't say which it is. */
export function exactNames(names: readonly string[]): MessageInitShape<typeof SubjectAltNameMatcherSchema>[] {
  return names.map((name) => ({
    sanType: name.includes("://") ? SubjectAltNameMatcher_SanType.URI : SubjectAltNameMatcher_SanType.DNS,
    matcher: { matchPattern: { case: "exact" as const, value: name } },
  }));
}
