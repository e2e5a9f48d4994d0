// Who calls, by what TLS and the socket prove: nothing that the caller says in a message counts.

import type { ProvenIdentity } from "../core/stream-identity.ts";
import type { Authenticator } from "../identity/authenticator.ts";
import { type CertificateCall, credentialsOf } from "../identity/certificate-method.ts";

export interface CallerProofs {
  /** Who alone can reach the socket, where that is one pod. */
  readonly owner: ProvenIdentity | undefined;
  /** Verified by TLS. */
  readonly certificate: CertificateCall["peer"]["certificate"];
  /** Where a token is looked for. */
  readonly metadata: (name: string) => string | undefined;
}

export type CallerIdentity =
  | { readonly kind: "caller"; readonly caller: ProvenIdentity }
  | {
      readonly kind: "refused";
      readonly status: "UNAUTHENTICATED" | "PERMISSION_DENIED";
      readonly reason: string;
    };

export async function identifyCaller(
  { owner, certificate, metadata }: CallerProofs,
  authenticator: Authenticator,
): Promise<CallerIdentity> {
  const credentials = credentialsOf({ peer: { certificate }, metadata });
  const authentication = await authenticator.authenticate(credentials);
  if (authentication.kind === "caller") return agreeing(authentication.caller, owner);
  if (authentication.kind === "absent" && owner !== undefined) return { kind: "caller", caller: owner };
  const reason = authentication.kind === "refused" ? authentication.reason : "no certificate and no token";
  return { kind: "refused", status: "UNAUTHENTICATED", reason };
}

/** On a pod's own socket, a certificate must be that pod's. */
function agreeing(caller: ProvenIdentity, owner: ProvenIdentity | undefined): CallerIdentity {
  if (owner === undefined) return { kind: "caller", caller };
  const isSame =
    caller.trustDomain === owner.trustDomain &&
    caller.namespace === owner.namespace &&
    caller.serviceAccount === owner.serviceAccount &&
    (caller.pod === undefined || caller.pod.uid === owner.pod?.uid);
  if (isSame) return { kind: "caller", caller: owner };
  const reason = `The certificate isn't of the pod "${owner.namespace}/${owner.pod?.name}", whose socket this is`;
  return { kind: "refused", status: "PERMISSION_DENIED", reason };
}
