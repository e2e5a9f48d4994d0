// Versions, cipher suites and curves of TLS in Envoy's words. What Envoy doesn't know is left out: it refuses the whole
// listener or cluster for a name of that kind, and users are warned.

import { type TlsCompliance, tlsCompliances } from "../core/tls-compliance.ts";
import {
  TlsParameters_TlsProtocol,
  type TlsParametersSchema,
} from "../gen/envoy/extensions/transport_sockets/tls/v3/common_pb.ts";
import { isCipherSuite, isEcdhCurve } from "../kinds/gateway/tls-parameters.ts";
import type { Plain } from "./encode.ts";

export interface TlsLimits {
  readonly minProtocolVersion?: string;
  readonly maxProtocolVersion?: string;
  readonly cipherSuites?: readonly string[];
  readonly ecdhCurves?: readonly string[];
}

/** At least TLS 1.2 where nothing is said; where a policy of compliance holds, nothing else counts. */
export function tlsParameters(
  written: TlsLimits,
  compliance?: TlsCompliance,
): Plain<typeof TlsParametersSchema> {
  const limits = compliance === undefined ? written : tlsCompliances[compliance];
  const maximum = versions[limits.maxProtocolVersion ?? ""];
  return {
    tlsMinimumProtocolVersion: versions[limits.minProtocolVersion ?? ""] ?? TlsParameters_TlsProtocol.TLSv1_2,
    ...(maximum !== undefined && { tlsMaximumProtocolVersion: maximum }),
    cipherSuites: knownOf(limits.cipherSuites, isCipherSuite),
    ecdhCurves: knownOf(limits.ecdhCurves, isEcdhCurve),
  };
}

/** What the settings don't limit themselves is as the defaults say. */
export function withTlsDefaults(settings: TlsLimits, defaults: TlsLimits | undefined): TlsLimits {
  const { cipherSuites = [], ecdhCurves = [] } = settings;
  return {
    ...settings,
    cipherSuites: cipherSuites.length > 0 ? cipherSuites : (defaults?.cipherSuites ?? []),
    ecdhCurves: ecdhCurves.length > 0 ? ecdhCurves : (defaults?.ecdhCurves ?? []),
  };
}

/** Each once, in the order written. */
export function knownOf(names: readonly string[] | undefined, isKnown: (name: string) => boolean): string[] {
  return [...new Set(names)].filter(isKnown);
}

const versions: Readonly<Record<string, TlsParameters_TlsProtocol>> = {
  TLSV1_0: TlsParameters_TlsProtocol.TLSv1_0,
  TLSV1_1: TlsParameters_TlsProtocol.TLSv1_1,
  TLSV1_2: TlsParameters_TlsProtocol.TLSv1_2,
  TLSV1_3: TlsParameters_TlsProtocol.TLSv1_3,
};
