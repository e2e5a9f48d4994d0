// The certificate service as a unary gRPC method, shaped for any server that hands over bytes, metadata and a verified
// peer. The transport's own error class comes in as an argument, so this room needn't know it.

import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { redacted } from "../core/redacted.ts";
import type { IstioCertificateRequest } from "../gen/security/v1alpha1/ca_pb.ts";
import {
  IstioCertificateRequestSchema,
  IstioCertificateResponseSchema,
} from "../gen/security/v1alpha1/ca_pb.ts";
import type { Credentials } from "./authenticator.ts";
import { namesOfPeerCertificate } from "./certificate.ts";
import type { CertificateService } from "./certificate-service.ts";

/** What the method needs of a call. */
export interface CertificateCall {
  /** The certificate is there only where its chain was verified to the mesh's roots. */
  readonly peer: { readonly certificate: { readonly raw: Uint8Array } | undefined };
  metadata(name: string): string | undefined;
}

export interface CertificateMethod {
  readonly kind: "unary";
  readonly path: string;
  readonly handle: (request: Uint8Array, call: CertificateCall) => Promise<readonly Uint8Array[]>;
}

export const createCertificatePath = "/istio.v1.auth.IstioCertificateService/CreateCertificate";

export type RefusalStatus = "UNAUTHENTICATED" | "PERMISSION_DENIED" | "INVALID_ARGUMENT";

/** `refusal` makes what is thrown for a caller that isn't served. */
export function createCertificateMethod(
  service: CertificateService,
  refusal: (status: RefusalStatus, message: string) => Error,
): CertificateMethod {
  const decode = (bytes: Uint8Array): IstioCertificateRequest => {
    try {
      return fromBinary(IstioCertificateRequestSchema, bytes);
    } catch {
      throw refusal("INVALID_ARGUMENT", "Cannot decode the certificate request");
    }
  };
  return {
    kind: "unary",
    path: createCertificatePath,
    async handle(bytes, call) {
      const outcome = await service.createCertificate(decode(bytes), credentialsOf(call));
      if (outcome.kind === "refused") throw refusal(outcome.status, outcome.message);
      return [toBinary(IstioCertificateResponseSchema, outcome.response)];
    },
  };
}

/** The bearer token and the verified peer's names, for this and other services of the control plane. */
export function credentialsOf(call: CertificateCall): Credentials {
  const token = /^Bearer ([\w.~+/=-]+)$/.exec(call.metadata("authorization") ?? "")?.[1];
  const { certificate } = call.peer;
  return {
    ...(token !== undefined && { bearerToken: redacted(token) }),
    ...(certificate !== undefined && { verifiedPeer: namesOfPeerCertificate(certificate.raw) }),
  };
}
