// How a client speaks TLS to a host.

import type { TypeOf } from "../schema.ts";
import { choice, flag, list, message, text } from "../schema.ts";

/** `ClientTLSSettings.TLSmode` */
export const clientTlsMode = choice("DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL");

/** `ClientTLSSettings` */
export const clientTlsSettings = message({
  mode: clientTlsMode,
  clientCertificate: text(),
  privateKey: text(),
  caCertificates: text(),
  credentialName: text(),
  subjectAltNames: list(text()),
  sni: text(),
  insecureSkipVerify: flag(),
  caCrl: text(),
  caCertCredentialName: text(),
});

export type ClientTlsMode = TypeOf<typeof clientTlsMode>;
export type ClientTlsSettings = TypeOf<typeof clientTlsSettings>;
