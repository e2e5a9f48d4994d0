// Rules for the TLS settings of a gateway's server: which certificates each mode needs.

import type { Findings } from "../value-rules.ts";
import { checkUnused } from "../value-rules.ts";
import type { ServerTlsMode, ServerTlsSettings } from "./server.ts";
import { isAlpnProtocol, isCipherSuite, isEcdhCurve } from "./tls-parameters.ts";

export function* checkServerTls(path: string, tls: ServerTlsSettings, isPlain: boolean): Findings {
  const sources = certificateSources(tls);
  const { mode = isPlain ? undefined : "PASSTHROUGH" } = tls;
  const second = sources[1];
  if (second !== undefined) {
    const message = `${sources.join(" and ")} are set, only one source of certificates may be`;
    yield { path: `${path}.${second}`, message };
  }
  if (mode === "ISTIO_MUTUAL") yield* checkIstioMutual(path, tls);
  if (mode === "SIMPLE" || mode === "MUTUAL" || mode === "OPTIONAL_MUTUAL")
    yield* checkTerminated(path, tls, mode);
  if ((mode === "PASSTHROUGH" || mode === "AUTO_PASSTHROUGH") && sources.length > 0) {
    const message = `mode ${mode} doesn't use certificates, so they are ignored`;
    yield { severity: "warning", path: `${path}.${sources[0]}`, message };
  }
  if (mode !== undefined) yield* checkUnused(path, tls, { mode, names: unusedIn(mode) });
  yield* checkNames(`${path}.cipherSuites`, tls.cipherSuites, ["cipher suite of Envoy's", isCipherSuite]);
  yield* checkNames(`${path}.ecdhCurves`, tls.ecdhCurves, ["curve of Envoy's", isEcdhCurve]);
  yield* checkNames(`${path}.alpnProtocols`, tls.alpnProtocols, ["protocol's name", isAlpnProtocol]);
  for (const [index, value] of (tls.verifyCertificateSpki ?? []).entries()) {
    if (SPKI_HASH.test(value)) continue;
    const message = `"${value}" isn't the base64 of a SHA-256, which has 44 characters`;
    yield { path: `${path}.verifyCertificateSpki[${index}]`, message };
  }
  for (const [index, value] of (tls.verifyCertificateHash ?? []).entries()) {
    if (CERTIFICATE_HASH.test(value)) continue;
    const message = `"${value}" isn't a SHA-256 of 64 hexadecimal digits, with or without colons`;
    yield { path: `${path}.verifyCertificateHash[${index}]`, message };
  }
}

const CLIENT_CHECKS = [
  "caCertCredentialName",
  "subjectAltNames",
  "verifyCertificateSpki",
  "verifyCertificateHash",
] as const;
const TLS_PARAMETERS = ["minProtocolVersion", "maxProtocolVersion", "cipherSuites", "ecdhCurves"] as const;

/** Certificates aside, which have rules of their own. */
function unusedIn(mode: ServerTlsMode): readonly (keyof ServerTlsSettings)[] {
  switch (mode) {
    case "PASSTHROUGH":
    case "AUTO_PASSTHROUGH":
      return ["caCertificates", ...CLIENT_CHECKS, ...TLS_PARAMETERS, "alpnProtocols"];
    case "SIMPLE":
      return ["caCertificates", ...CLIENT_CHECKS];
    case "ISTIO_MUTUAL":
      return [
        "caCertCredentialName",
        "verifyCertificateSpki",
        "verifyCertificateHash",
        "credentialNames",
        "tlsCertificates",
        ...TLS_PARAMETERS,
      ];
    case "MUTUAL":
    case "OPTIONAL_MUTUAL":
      return [];
  }
}

const SPKI_HASH = /^[A-Za-z0-9+/]{43}=$/;
const CERTIFICATE_HASH = /^(?:[0-9A-Fa-f]{64}|[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){31})$/;

type Source = "credentialName" | "credentialNames" | "serverCertificate" | "tlsCertificates";

function certificateSources(tls: ServerTlsSettings): Source[] {
  const isSet = {
    credentialName: (tls.credentialName ?? "") !== "",
    credentialNames: (tls.credentialNames ?? []).length > 0,
    serverCertificate: (tls.serverCertificate ?? "") !== "" && (tls.privateKey ?? "") !== "",
    tlsCertificates: (tls.tlsCertificates ?? []).length > 0,
  };
  return (Object.keys(isSet) as Source[]).filter((name) => isSet[name]);
}

const certificateFields = ["serverCertificate", "privateKey", "caCertificates", "credentialName"] as const;

function* checkIstioMutual(path: string, tls: ServerTlsSettings): Findings {
  for (const name of certificateFields) {
    if ((tls[name] ?? "") === "") continue;
    yield { path: `${path}.${name}`, message: "mode ISTIO_MUTUAL takes the mesh's certificates, not these" };
  }
}

function* checkTerminated(path: string, tls: ServerTlsSettings, mode: string): Findings {
  const { credentialName = "", credentialNames = [], tlsCertificates = [] } = tls;
  if (credentialNames.length > 2 || tlsCertificates.length > 2) {
    const message = `mode ${mode} uses at most two certificates, the others are ignored`;
    yield { severity: "warning", path, message };
  }
  if (credentialName !== "" || credentialNames.length > 0) return;
  const pairs = tlsCertificates.length > 0 ? tlsCertificates : [tls];
  for (const [index, pair] of pairs.entries()) {
    const place = tlsCertificates.length > 0 ? `${path}.tlsCertificates[${index}]` : path;
    if ((pair.serverCertificate ?? "") === "") yield needs(`${place}.serverCertificate`, mode);
    if ((pair.privateKey ?? "") === "") yield needs(`${place}.privateKey`, mode);
  }
  const hasCa = (tls.caCertificates ?? "") !== "" || (tls.caCertCredentialName ?? "") !== "";
  if (mode !== "SIMPLE" && !hasCa) yield needs(`${path}.caCertificates`, mode);
}

function needs(path: string, mode: string) {
  const name = path.slice(path.lastIndexOf(".") + 1);
  const hint = "or name a Secret in credentialName";
  return { code: "MLT1006", path, message: `mode ${mode} needs "${name}"`, hint } as const;
}

type NamedCheck = readonly [what: string, isKnown: (name: string) => boolean];

/** Of a list whose other names and repetitions the builder leaves out. */
function* checkNames(path: string, names: readonly string[] = [], [what, isKnown]: NamedCheck): Findings {
  const seen = new Set<string>();
  for (const [index, name] of names.entries()) {
    const place = `${path}[${index}]`;
    if (!isKnown(name)) {
      yield { severity: "warning", path: place, message: `"${name}" isn't a ${what}, so it is ignored` };
    } else if (seen.has(name)) {
      yield { severity: "warning", path: place, message: `"${name}" is there twice` };
    }
    seen.add(name);
  }
}
