// Who each stream is, before anything is asked of the fleet: what its credentials prove, and nothing that it says.

import { quoted } from "../core/quoted.ts";
import type { StreamIdentity } from "../core/stream-identity.ts";
import type { IdentifiedBackend } from "../fleet/proxy-identity.ts";
import type { Authenticator } from "../identity/authenticator.ts";
import type { XdsBackend, XdsClient, XdsOpening } from "../xds/backend.ts";
import { identifyCaller } from "./caller-identity.ts";

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
  const caller = await identifyCaller({ owner, certificate: peer?.certificate, metadata }, authenticator);
  if (caller.kind === "caller") return caller.caller;
  const { status, reason } = caller;
  const message = status === "UNAUTHENTICATED" ? `Cannot serve ${quoted(nodeId)}: ${reason}` : reason;
  return { refusal: { kind: "refused", status, message } };
}
