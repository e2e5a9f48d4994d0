// Callers that show a ServiceAccount token of a cluster: its API server says whose it is.

import { isTrustDomain } from "../core/spiffe-id.ts";
import type { ApiClient } from "../kubernetes/api-client.ts";
import { reviewToken } from "../kubernetes/token-review.ts";
import type {
  Authentication,
  Authenticator,
  Credentials,
  TokenAuthenticatorOptions,
} from "./authenticator.ts";

const USERNAME = /^system:serviceaccount:([a-z0-9.-]+):([a-z0-9.-]+)$/;

/** A server that can't be asked refuses: the caller tries again. */
export function createTokenReviewAuthenticator(
  client: ApiClient,
  { trustDomain, audiences }: TokenAuthenticatorOptions,
): Authenticator {
  if (!isTrustDomain(trustDomain)) throw new Error(`Cannot authenticate for trust domain "${trustDomain}"`);
  const authenticate = async ({ bearerToken }: Credentials): Promise<Authentication> => {
    if (bearerToken === undefined) return { kind: "absent" };
    try {
      const review = await reviewToken(client, bearerToken, audiences);
      if (review.kind === "refused") return review;
      const [, namespace, serviceAccount] = USERNAME.exec(review.username) ?? [];
      if (namespace === undefined || serviceAccount === undefined) {
        return { kind: "refused", reason: "the token isn't a ServiceAccount's" };
      }
      const { pod } = review;
      const caller = { proof: "token", trustDomain, namespace, serviceAccount } as const;
      return { kind: "caller", caller: pod === undefined ? caller : { ...caller, pod } };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { kind: "refused", reason: `the API server can't be asked about the token: ${reason}` };
    }
  };
  return { authenticate };
}
