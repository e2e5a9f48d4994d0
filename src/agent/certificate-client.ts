// Asks the control plane to sign, by gRPC, as the pod's ServiceAccount or with the certificate that the client holds.

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Redacted } from "../core/redacted.ts";
import {
  IstioCertificateRequestSchema,
  IstioCertificateResponseSchema,
} from "../gen/security/v1alpha1/ca_pb.ts";
import type { GrpcClient } from "../grpc/client.ts";
import { createCertificatePath } from "../identity/certificate-method.ts";
import type { SignRequest } from "./certificate-rotation.ts";

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
    const validityDuration = BigInt(Math.ceil(ttlMs / 1000));
    const request = toBinary(
      IstioCertificateRequestSchema,
      create(IstioCertificateRequestSchema, { csr, validityDuration }),
    );
    const metadata = { authorization: `Bearer ${token.reveal()}` };
    const response = await client.unary(createCertificatePath, request, { timeoutMs, metadata });
    return fromBinary(IstioCertificateResponseSchema, response).certChain;
  };
}
