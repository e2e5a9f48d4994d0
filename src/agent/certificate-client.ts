// Asks the control plane to sign, by gRPC, as the pod's ServiceAccount or with the certificate that the client holds.

import type { Redacted } from "../core/redacted.ts";
import type { GrpcClient } from "../grpc/client.ts";
import { createCertificatePath } from "../identity/certificate-method.ts";
import type { SignRequest } from "./certificate-rotation.ts";
import { field, message, numberField, readFields, textsOf } from "./wire-message.ts";

export interface CertificateClientOptions {
  /** Read anew for each request: projected tokens are renewed under way. */
  readonly readToken: () => Promise<Redacted<string>>;
  /** Default 5 s. */
  readonly timeoutMs?: number;
}

export function createCertificateClient(client: GrpcClient, options: CertificateClientOptions): SignRequest {
  const { readToken, timeoutMs = 5_000 } = options;
  return async (csr, ttlMs) => {
    const token = await readToken();
    // IstioCertificateRequest: csr, validity_duration. IstioCertificateResponse: cert_chain.
    const request = message(field(1, csr), numberField(3, Math.ceil(ttlMs / 1000)));
    const metadata = { authorization: `Bearer ${token.reveal()}` };
    const response = await client.unary(createCertificatePath, request, { timeoutMs, metadata });
    return textsOf(readFields(response), 1);
  };
}
