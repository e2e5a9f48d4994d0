// `istio.v1.auth.IstioCertificateService`: signs a request with the identity of the authenticated caller. Names in
// the request are compared, never taken. It knows no transport: outcomes map to gRPC status by name.

import { create } from "@bufbuild/protobuf";
import type { Logger } from "../core/logger.ts";
import { parseSpiffeId, spiffeId } from "../core/spiffe-id.ts";
import type { ProvenIdentity } from "../core/stream-identity.ts";
import type { WorkloadDescription } from "../core/workload-description.ts";
import type { IstioCertificateRequest, IstioCertificateResponse } from "../gen/security/v1alpha1/ca_pb.ts";
import { IstioCertificateResponseSchema } from "../gen/security/v1alpha1/ca_pb.ts";
import type { Authenticator, Credentials } from "./authenticator.ts";
import type { CertificateAuthority } from "./certificate-authority.ts";
import type { CertificateRequest } from "./certificate-request.ts";
import { parseCertificateRequest } from "./certificate-request.ts";

export type CertificateOutcome =
  | { readonly kind: "signed"; readonly response: IstioCertificateResponse }
  | {
      readonly kind: "refused";
      readonly status: "UNAUTHENTICATED" | "PERMISSION_DENIED" | "INVALID_ARGUMENT";
      readonly message: string;
    };

export interface CertificateService {
  createCertificate(request: IstioCertificateRequest, credentials: Credentials): Promise<CertificateOutcome>;
}

export interface CertificateServiceOptions {
  readonly authenticator: Authenticator;
  readonly log: Logger;
  /** Called for every request; a metrics room may stand behind it. */
  readonly events?: CertificateServiceEvents;
  /** What metrics call the workload of a caller that is a pod; undefined where it isn't known. */
  readonly describe?: (caller: ProvenIdentity) => WorkloadDescription | undefined;
  /** For requests that name none. Default 24 h. */
  readonly defaultTtlMs?: number;
  /** A request for more is refused, as Istio does. Default 90 days. */
  readonly maxTtlMs?: number;
}

export interface CertificateServiceEvents {
  requested(): void;
  signed(): void;
  refused(status: Extract<CertificateOutcome, { kind: "refused" }>["status"]): void;
}

const HOUR_MS = 3_600_000;

export function createCertificateService(
  authority: CertificateAuthority,
  options: CertificateServiceOptions,
): CertificateService {
  const { defaultTtlMs = 24 * HOUR_MS, maxTtlMs = 90 * 24 * HOUR_MS } = options;
  const createCertificate = async (message: IstioCertificateRequest, credentials: Credentials) => {
    options.events?.requested();
    const outcome = await decide(message, credentials);
    if (outcome.kind === "signed") options.events?.signed();
    else options.events?.refused(outcome.status);
    return outcome;
  };
  const decide = async (message: IstioCertificateRequest, credentials: Credentials) => {
    const authentication = await options.authenticator.authenticate(credentials);
    if (authentication.kind !== "caller") {
      const reason =
        authentication.kind === "refused" ? authentication.reason : "no token and no certificate";
      options.log.warn({ reason }, "certificate request unauthenticated");
      return refused("UNAUTHENTICATED", `Cannot sign a certificate: ${reason}`);
    }
    const { caller } = authentication;
    const ttlMs = ttlOf(message, defaultTtlMs);
    const description = options.describe?.(caller);
    const decision = { caller, ttlMs, maxTtlMs, ...(description !== undefined && { description }) };
    const outcome = sign(authority, message.csr, decision);
    const fields = {
      identity: spiffeId(caller),
      ...(caller.pod !== undefined && { pod: caller.pod.name }),
      by: caller.proof,
      ttlSeconds: ttlMs / 1000,
    };
    if (outcome.kind === "signed") options.log.info(fields, "certificate signed");
    else options.log.warn({ ...fields, reason: outcome.message }, "certificate request refused");
    return outcome;
  };
  return { createCertificate };
}

interface SigningDecision {
  readonly caller: ProvenIdentity;
  readonly description?: WorkloadDescription;
  readonly ttlMs: number;
  readonly maxTtlMs: number;
}

function sign(authority: CertificateAuthority, csr: string, decision: SigningDecision): CertificateOutcome {
  const { caller, description, ttlMs, maxTtlMs } = decision;
  if (ttlMs <= 0 || ttlMs > maxTtlMs) {
    const limit = `between 1 s and ${maxTtlMs / 1000} s`;
    return refused("INVALID_ARGUMENT", `Cannot sign for ${ttlMs / 1000} s: wanted is a lifetime ${limit}`);
  }
  const parsed = parseCertificateRequest(csr);
  if (parsed.kind === "refused") {
    return refused("INVALID_ARGUMENT", `Cannot read the certificate request: ${parsed.reason}`);
  }
  const foreign = findForeignName(parsed.request, caller);
  if (foreign !== undefined) {
    return refused("PERMISSION_DENIED", `Cannot sign for "${foreign}": the caller is "${spiffeId(caller)}"`);
  }
  const { publicKey } = parsed.request;
  const names = { uris: [spiffeId(caller)], dnsNames: [], ipAddresses: [] };
  const ofPod = {
    ...(caller.pod !== undefined && { pod: caller.pod }),
    ...(description !== undefined && { description }),
  };
  const certChain = [...authority.issue({ publicKey, names, ttlMs, ...ofPod })];
  return { kind: "signed", response: create(IstioCertificateResponseSchema, { certChain }) };
}

// A name of another workload shows a mix-up that a silently different certificate would hide. A differing trust
// domain is no reason: agents keep the old one while a mesh moves to a new one.
function findForeignName(request: CertificateRequest, caller: ProvenIdentity): string | undefined {
  return request.requestedNames?.uris.find((uri) => {
    const asked = parseSpiffeId(uri);
    return asked?.namespace !== caller.namespace || asked.serviceAccount !== caller.serviceAccount;
  });
}

function ttlOf(message: IstioCertificateRequest, defaultTtlMs: number): number {
  return message.validityDuration === 0n ? defaultTtlMs : Number(message.validityDuration) * 1000;
}

function refused(
  status: "UNAUTHENTICATED" | "PERMISSION_DENIED" | "INVALID_ARGUMENT",
  message: string,
): CertificateOutcome {
  return { kind: "refused", status, message };
}
