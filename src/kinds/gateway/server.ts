// A port that a Gateway opens, and for which hosts.

import type { TypeOf } from "../schema.ts";
import { choice, flag, list, message, text, uint32 } from "../schema.ts";

/** `Port` */
export const gatewayPort = message(
  {
    targetPort: uint32(), // deprecated
  },
  {
    required: {
      number: uint32(),
      protocol: text(),
      name: text(),
    },
  },
);

/** `ServerTLSSettings.TLSmode` */
export const serverTlsMode = choice(
  "PASSTHROUGH",
  "SIMPLE",
  "MUTUAL",
  "AUTO_PASSTHROUGH",
  "ISTIO_MUTUAL",
  "OPTIONAL_MUTUAL",
);

/** `ServerTLSSettings.TLSCertificate` */
export const serverTlsCertificate = message({
  serverCertificate: text(),
  privateKey: text(),
  caCertificates: text(),
});

/** `ServerTLSSettings.TLSProtocol` */
export const tlsProtocol = choice("TLS_AUTO", "TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3");

/** `ServerTLSSettings` */
export const serverTlsSettings = message({
  httpsRedirect: flag(),
  mode: serverTlsMode,
  serverCertificate: text(),
  privateKey: text(),
  caCertificates: text(),
  caCrl: text(),
  credentialName: text(),
  credentialNames: list(text()),
  caCertCredentialName: text(),
  tlsCertificates: list(serverTlsCertificate),
  subjectAltNames: list(text()),
  verifyCertificateSpki: list(text()),
  verifyCertificateHash: list(text()),
  minProtocolVersion: tlsProtocol,
  maxProtocolVersion: tlsProtocol,
  cipherSuites: list(text()),
  insecureSkipVerify: flag(),
  ecdhCurves: list(text()),
  alpnProtocols: list(text()),
});

/** `Server` */
export const server = message(
  {
    bind: text(),
    tls: serverTlsSettings,
    defaultEndpoint: text(),
    name: text(),
  },
  {
    required: {
      port: gatewayPort,
      hosts: list(text()),
    },
  },
);

export type GatewayPort = TypeOf<typeof gatewayPort>;
export type ServerTlsMode = TypeOf<typeof serverTlsMode>;
export type ServerTlsCertificate = TypeOf<typeof serverTlsCertificate>;
export type TlsProtocol = TypeOf<typeof tlsProtocol>;
export type ServerTlsSettings = TypeOf<typeof serverTlsSettings>;
export type Server = TypeOf<typeof server>;
