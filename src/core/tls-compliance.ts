// What rules about cryptography want of all TLS of the mesh, by the names of Istio's COMPLIANCE_POLICY.

/**
 * `fips-140-2`: TLS 1.2 with AES-GCM and curve P-256. `pqc`: TLS 1.3 with a key exchange that quantum computers don't break.
 * Parameters alone: which of Envoy's builds is a validated module is for whoever brings Envoy.
 */
export type TlsCompliance = "fips-140-2" | "pqc";

export interface TlsComplianceLimits {
  readonly minProtocolVersion: "TLSV1_2" | "TLSV1_3";
  readonly maxProtocolVersion: "TLSV1_2" | "TLSV1_3";
  /** Of TLS 1.2, as OpenSSL calls them. */
  readonly cipherSuites: readonly string[];
  readonly ecdhCurves: readonly string[];
}

export const tlsCompliances: Readonly<Record<TlsCompliance, TlsComplianceLimits>> = {
  "fips-140-2": {
    minProtocolVersion: "TLSV1_2",
    maxProtocolVersion: "TLSV1_2",
    cipherSuites: [
      "ECDHE-ECDSA-AES128-GCM-SHA256",
      "ECDHE-RSA-AES128-GCM-SHA256",
      "ECDHE-ECDSA-AES256-GCM-SHA384",
      "ECDHE-RSA-AES256-GCM-SHA384",
    ],
    ecdhCurves: ["P-256"],
  },
  pqc: {
    minProtocolVersion: "TLSV1_3",
    maxProtocolVersion: "TLSV1_3",
    cipherSuites: [],
    ecdhCurves: ["X25519MLKEM768"],
  },
};

/** Undefined for the empty text; throws for another name, as a wall with a hole would look whole. */
export function parseTlsCompliance(text = ""): TlsCompliance | undefined {
  if (text === "") return undefined;
  if (Object.hasOwn(tlsCompliances, text)) return text as TlsCompliance;
  const known = Object.keys(tlsCompliances).join(", ");
  throw new Error(`COMPLIANCE_POLICY "${text}" isn't known, wanted one of ${known}`);
}
