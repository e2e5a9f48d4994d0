// Who is calling: from a ServiceAccount token or from the certificate that TLS has verified. Nothing that the
// caller says in a message counts.

import type { Redacted } from "../core/redacted.ts";
import { isTrustDomain, parseSpiffeId } from "../core/spiffe-id.ts";
import type { ProvenIdentity } from "../core/stream-identity.ts";
import type { PeerNames } from "./certificate.ts";
import type { TokenIssuer } from "./service-account-token.ts";

export interface Credentials {
  /** From `authorization: Bearer …`. */
  readonly bearerToken?: Redacted<string>;
  /** Names in the peer's certificate, only where TLS verified its chain to the mesh's roots. */
  readonly verifiedPeer?: PeerNames;
}

/** `absent`: the credentials hold nothing of this kind. `refused`: they do, and it isn't good. */
export type Authentication =
  | { readonly kind: "caller"; readonly caller: ProvenIdentity }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "absent" };

export interface Authenticator {
  authenticate(credentials: Credentials): Promise<Authentication>;
}

export interface TokenAuthenticatorOptions {
  readonly trustDomain: string;
  /** A token must be for one of them; Istio's agents ask for `istio-ca`. */
  readonly audiences: readonly string[];
}

/** Verifies tokens of the local issuer. */
export function createTokenAuthenticator(
  issuer: TokenIssuer,
  { trustDomain, audiences }: TokenAuthenticatorOptions,
): Authenticator {
  if (!isTrustDomain(trustDomain)) throw new Error(`Cannot authenticate for trust domain "${trustDomain}"`);
  const authenticate = async ({ bearerToken }: Credentials): Promise<Authentication> => {
    if (bearerToken === undefined) return { kind: "absent" };
    const result = issuer.verifyToken(bearerToken.reveal(), audiences);
    if (result.kind === "refused") return result;
    return { kind: "caller", caller: { proof: "token", trustDomain, ...result.subject } };
  };
  return { authenticate };
}

/** Accepts peers whose certificate has exactly one URI name, a SPIFFE id of one of the trust domains. */
export function createCertificateAuthenticator(trustDomains: readonly string[]): Authenticator {
  const authenticate = async ({ verifiedPeer }: Credentials): Promise<Authentication> => {
    if (verifiedPeer === undefined) return { kind: "absent" };
    const [uri, ...rest] = verifiedPeer.uris;
    const parts = uri === undefined || rest.length > 0 ? undefined : parseSpiffeId(uri);
    if (parts === undefined)
      return { kind: "refused", reason: "the certificate doesn't hold exactly one SPIFFE id" };
    const { trustDomain } = parts;
    if (!trustDomains.includes(trustDomain)) {
      return { kind: "refused", reason: `the certificate is of trust domain "${trustDomain}"` };
    }
    const { pod } = verifiedPeer;
    return { kind: "caller", caller: { proof: "certificate", ...parts, ...(pod !== undefined && { pod }) } };
  };
  return { authenticate };
}

/** Knows nobody: for where only plaintext is served. */
export const noAuthenticator: Authenticator = { authenticate: async () => ({ kind: "absent" }) };

/** The first authenticator that finds its kind of credential decides, for good or ill. */
export function firstAuthenticatorOf(authenticators: readonly Authenticator[]): Authenticator {
  const authenticate = async (credentials: Credentials): Promise<Authentication> => {
    for (const authenticator of authenticators) {
      const authentication = await authenticator.authenticate(credentials);
      if (authentication.kind !== "absent") return authentication;
    }
    return { kind: "absent" };
  };
  return { authenticate };
}
