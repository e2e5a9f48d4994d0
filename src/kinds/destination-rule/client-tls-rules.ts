// Rules for how a client speaks TLS to a host: what each mode needs, and what it doesn't use.

import type { Findings } from "../value-rules.ts";
import { checkUnused } from "../value-rules.ts";
import type { ClientTlsMode, ClientTlsSettings } from "./client-tls.ts";

/** What has no effect in a mode, which is DISABLE where none is written. */
const UNUSED: Readonly<Record<ClientTlsMode, readonly (keyof ClientTlsSettings)[]>> = {
  DISABLE: [
    "clientCertificate",
    "privateKey",
    "caCertificates",
    "credentialName",
    "subjectAltNames",
    "sni",
    "insecureSkipVerify",
  ],
  SIMPLE: ["clientCertificate", "privateKey"],
  MUTUAL: [],
  ISTIO_MUTUAL: ["clientCertificate", "privateKey", "caCertificates", "credentialName", "insecureSkipVerify"],
};

// RFC 6066, section 3: a server name is a DNS name.
const MAX_SERVER_NAME_LENGTH = 255;

export function* checkClientTls(path: string, tls: ClientTlsSettings | undefined): Findings {
  if (tls === undefined) return;
  const { mode, clientCertificate = "", privateKey = "", caCertificates = "", credentialName = "" } = tls;
  if ((tls.sni ?? "").length > MAX_SERVER_NAME_LENGTH) {
    const message = `found ${tls.sni?.length} characters, wanted at most ${MAX_SERVER_NAME_LENGTH}`;
    yield { path: `${path}.sni`, message };
  }
  yield* checkUnused(path, tls, { mode: mode ?? "DISABLE", names: UNUSED[mode ?? "DISABLE"] });
  const subjectAltNames = tls.subjectAltNames ?? [];
  // In mode MUTUAL the credential also holds the client's own certificate.
  const hasCa = caCertificates !== "" || (mode === "SIMPLE" && credentialName !== "");
  const verifies = hasCa || subjectAltNames.length > 0;
  if (tls.insecureSkipVerify === true && verifies) {
    const message = "what isn't verified needs neither a CA nor subjectAltNames";
    yield { path: `${path}.insecureSkipVerify`, message };
  }
  if ((mode === "SIMPLE" || mode === "MUTUAL") && credentialName !== "") {
    const isDouble = [clientCertificate, privateKey, caCertificates, tls.caCrl ?? ""].some(
      (file) => file !== "",
    );
    if (isDouble)
      yield { path: `${path}.credentialName`, message: "credentialName stands for all certificate files" };
  }
  if (mode !== "MUTUAL" || credentialName !== "") return;
  for (const [name, value] of [
    ["clientCertificate", clientCertificate],
    ["privateKey", privateKey],
  ] as const) {
    if (value === "")
      yield { code: "MLT1006", path: `${path}.${name}`, message: `mode MUTUAL needs "${name}"` };
  }
}
