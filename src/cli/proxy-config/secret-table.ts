// Certificates of a proxy as istioctl shows them. Private keys never come this far: Envoy redacts them.

import { X509Certificate } from "node:crypto";
import { renderTable } from "../table.ts";
import type { DumpedSecret, SecretState } from "./config-dump.ts";

const titles = ["RESOURCE NAME", "TYPE", "STATUS", "VALID CERT", "SERIAL NUMBER", "NOT AFTER", "NOT BEFORE"];

export function secretTable(secrets: readonly SecretState[], nowMs: number): string {
  const rows = withoutRepeats(secrets).flatMap(({ state, secret }) => {
    const { type, pem } = contentOf(secret);
    const certificates = pem === undefined ? [] : parseCertificates(pem);
    if (certificates.length === 0)
      return [[secret.name, type, state, "false", undefined, undefined, undefined]];
    // A chain's own certificate comes first; the rest of it are authorities that its issuer shows elsewhere.
    const shown = type === "CA" ? certificates : certificates.slice(0, 1);
    return shown.map((certificate) => [secret.name, type, state, ...certificateCells(certificate, nowMs)]);
  });
  return renderTable(titles, rows);
}

/** Envoy lists a secret once for each place that subscribes to it. */
function withoutRepeats(secrets: readonly SecretState[]): SecretState[] {
  const keyed = secrets.map((each) => [
    JSON.stringify([each.secret.name, each.state, contentOf(each.secret)]),
    each,
  ]);
  return [...new Map(keyed as [string, SecretState][]).values()];
}

function certificateCells(certificate: X509Certificate, nowMs: number): string[] {
  const notAfter = new Date(certificate.validTo);
  const notBefore = new Date(certificate.validFrom);
  const isValid = notBefore.getTime() <= nowMs && nowMs < notAfter.getTime();
  return [`${isValid}`, certificate.serialNumber.toLowerCase(), isoSeconds(notAfter), isoSeconds(notBefore)];
}

function contentOf({ secret }: DumpedSecret): { readonly type: string; readonly pem: string | undefined } {
  const isCa = secret?.validation_context !== undefined;
  const data = isCa ? secret?.validation_context?.trusted_ca : secret?.tls_certificate?.certificate_chain;
  const bytes = data?.inline_bytes;
  const pem = bytes === undefined ? data?.inline_string : Buffer.from(bytes, "base64").toString("utf8");
  return { type: isCa ? "CA" : "Cert Chain", pem };
}

function parseCertificates(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

function isoSeconds(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, "Z");
}
