// Where SDS gets secrets from: the workload's own certificate, and certificates in files. A secret's version never
// depends on its private half, since versions are logged.

import { createHash } from "node:crypto";
import type { Redacted } from "../core/redacted.ts";
import { redacted } from "../core/redacted.ts";
import type { CertificateRotation } from "./certificate-rotation.ts";
import { field, message } from "./wire-message.ts";

export interface EncodedSecret {
  readonly name: string;
  /** Hash of the public part. */
  readonly version: string;
  /** envoy.extensions.transport_sockets.tls.v3.Secret */
  readonly bytes: Redacted<Uint8Array>;
}

export interface SecretSource {
  /**
   * Calls with the secret when there is one, and at each change, or with `absent` when there is none so far; returns what
   * ends it. Undefined for a name that this source will never have.
   */
  watch(name: string, listener: (secret: EncodedSecret | "absent") => void): (() => void) | undefined;
}

export function encodeCertificateSecret(
  name: string,
  certificate: { readonly chainPem: string; readonly keyPem: Redacted<string> },
): EncodedSecret {
  const { chainPem, keyPem } = certificate;
  const pair = message(field(1, inlineText(chainPem)), field(2, inlineText(keyPem.reveal())));
  const bytes = message(field(1, name), field(secretFields.tlsCertificate, pair));
  return { name, version: versionOf(chainPem), bytes: redacted(bytes) };
}

export function encodeRootsSecret(name: string, rootsPem: string): EncodedSecret {
  const context = field(1, inlineText(rootsPem));
  const bytes = message(field(1, name), field(secretFields.validationContext, context));
  return { name, version: versionOf(rootsPem), bytes: redacted(bytes) };
}

/** The cases of Secret.type in secret.proto. */
const secretFields = { tlsCertificate: 2, validationContext: 4 } as const;

/** `default`: the workload's certificate and key; `ROOTCA`: whom it trusts. Istio's names. */
export function createWorkloadSecretSource(rotation: CertificateRotation): SecretSource {
  return {
    watch(name, listener) {
      if (name === "default")
        return rotation.watch((current) => listener(encodeCertificateSecret(name, current)));
      if (name === "ROOTCA") {
        return rotation.watch(({ rootsPem }) => listener(encodeRootsSecret(name, rootsPem)));
      }
      return undefined;
    },
  };
}

/** The first source that knows a name serves it. */
export function firstSecretSourceOf(sources: readonly SecretSource[]): SecretSource {
  return {
    watch(name, listener) {
      for (const source of sources) {
        const end = source.watch(name, listener);
        if (end !== undefined) return end;
      }
      return undefined;
    },
  };
}

/** DataSource with its field `inline_bytes`. */
function inlineText(text: string): Uint8Array {
  return field(2, text);
}

function versionOf(publicText: string): string {
  return createHash("sha256").update(publicText).digest("hex").slice(0, 16);
}
