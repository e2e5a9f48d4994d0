// Who each stream is, before anything is asked of the fleet: what its credentials prove, and nothing that it says.

import { quoted } from "../core/quoted.ts";
import type { ProvenIdentity, StreamIdentity } from "../core/stream-identity.ts";
import type { IdentifiedBackend } from "../fleet/proxy-identity.ts";
import type { Authenticator } from "../identity/authenticator.ts";
import { credentialsOf } from "../identity/certificate-method.ts";
import type { XdsBackend, XdsClient, XdsOpening } from "../xds/backend.ts";

/** On a listener that serves secrets, nobody is served who doesn't show who they are. */
export function requireIdentity(backend: IdentifiedBackend, authenticator: Authenticator): XdsBackend {
  return {
    async open(client, stream) {
      const identity = await identify(client, authenticator);
      return "refusal" in identity ? identity.refusal : backend.open({ ...client, identity }, stream);
    },
  };
}

type Identified = StreamIdentity | { readonly refusal: XdsOpening };

async function identify(client: XdsClient, authenticator: Authenticator): Promise<Identified> {
  const { owner, peer, servesSecrets, nodeId } = client;
  if (owner === undefined && !servesSecrets) return { proof: "none" };
  // A token beside a certificate isn't looked at: the stream is the certificate's.
  const metadata = peer === undefined && owner === undefined ? client.metadata : () => undefined;
  const authentication = await authenticator.authenticate(
    credentialsOf({ peer: { certificate: peer?.certificate }, metadata }),
  );
  if (authentication.kind === "caller") return agreeing(authentication.caller, owner);
  if (authentication.kind === "absent" && owner !== undefined) return owner;
  const reason = authentication.kind === "refused" ? authentication.reason : "no certificate and no token";
  return {
    refusal: {
      kind: "refused",
      status: "UNAUTHENTICATED",
      message: `Cannot serve ${quoted(nodeId)}: ${reason}`,
    },
  };
}

/** On a pod's own socket, a certificate must be that pod's. */
function agreeing(caller: ProvenIdentity, owner: ProvenIdentity | undefined): Identified {
  if (owner === undefined) return caller;
  const isSame =
    caller.trustDomain === owner.trustDomain &&
    caller.namespace === owner.namespace &&
    caller.serviceAccount === owner.serviceAccount &&
    (caller.pod === undefined || caller.pod.uid === owner.pod?.uid);
  if (isSame) return owner;
  const message = `The certificate isn't of the pod "${owner.namespace}/${owner.pod?.name}", whose socket this is`;
  return { refusal: { kind: "refused", status: "PERMISSION_DENIED", message } };
}
