// What a server's TLS may be limited to, by the names that Envoy takes: it refuses the whole listener for another.

export function isCipherSuite(name: string): boolean {
  return cipherSuites.has(name);
}

export function isEcdhCurve(name: string): boolean {
  return ecdhCurves.has(name);
}

/** RFC 7301: 1 to 255 bytes. */
export function isAlpnProtocol(name: string): boolean {
  const byteCount = Buffer.byteLength(name);
  return byteCount > 0 && byteCount < 256;
}

// Those of BoringSSL that Envoy's documentation lists; TLS 1.3 has its own, which can't be chosen.
const cipherSuites: ReadonlySet<string> = new Set([
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
  "ECDHE-PSK-CHACHA20-POLY1305",
  "ECDHE-ECDSA-AES128-SHA",
  "ECDHE-RSA-AES128-SHA",
  "ECDHE-PSK-AES128-CBC-SHA",
  "ECDHE-ECDSA-AES256-SHA",
  "ECDHE-RSA-AES256-SHA",
  "ECDHE-PSK-AES256-CBC-SHA",
  "AES128-GCM-SHA256",
  "AES256-GCM-SHA384",
  "AES128-SHA",
  "AES256-SHA",
  "PSK-AES128-CBC-SHA",
  "PSK-AES256-CBC-SHA",
  "DES-CBC3-SHA",
]);

// Those of BoringSSL that Envoy takes, the last one for key exchange that quantum computers don't break.
const ecdhCurves: ReadonlySet<string> = new Set(["X25519", "P-256", "P-384", "P-521", "X25519MLKEM768"]);
