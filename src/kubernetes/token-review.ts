// Asks the API server whose token this is, and whether it is for us.

import type { Redacted } from "../core/redacted.ts";
import { type PodReference, parsePodReference } from "../core/stream-identity.ts";
import type { ApiClient } from "./api-client.ts";

export type TokenReview =
  | {
      readonly kind: "user";
      readonly username: string;
      /** That the token is bound to. */
      readonly pod?: PodReference;
    }
  | { readonly kind: "refused"; readonly reason: string };

interface ReviewStatus {
  readonly authenticated?: boolean;
  readonly error?: string;
  readonly user?: {
    readonly username?: string;
    readonly extra?: Readonly<Record<string, readonly string[]>>;
  };
  readonly audiences?: readonly string[];
}

// By these the API server tells the pod that a token is bound to.
const POD_NAME = "authentication.kubernetes.io/pod-name";
const POD_UID = "authentication.kubernetes.io/pod-uid";
const PATH = "/apis/authentication.k8s.io/v1/tokenreviews";

/** Throws where the server can't be asked. */
export async function reviewToken(
  client: ApiClient,
  token: Redacted<string>,
  audiences: readonly string[],
): Promise<TokenReview> {
  const body = {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenReview",
    spec: { token: token.reveal(), audiences },
  };
  const answer = await client.request({ method: "POST", path: PATH, body, timeoutMs: 10_000 });
  const { status = {} } = (answer ?? {}) as { readonly status?: ReviewStatus };
  const username = status.user?.username;
  if (status.authenticated !== true || username === undefined) {
    return { kind: "refused", reason: status.error ?? "the API server doesn't know the token" };
  }
  // A server that ignores audiences answers none: its yes is about itself, not about us.
  if (!audiences.some((audience) => status.audiences?.includes(audience))) {
    return {
      kind: "refused",
      reason: `the token isn't for ${audiences.map((name) => `"${name}"`).join(" or ")}`,
    };
  }
  const { extra = {} } = status.user ?? {};
  const pod = parsePodReference(extra[POD_NAME]?.[0], extra[POD_UID]?.[0]);
  return { kind: "user", username, ...(pod !== undefined && { pod }) };
}
