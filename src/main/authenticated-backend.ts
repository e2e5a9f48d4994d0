// Before a client is asked what it wants on a listener that serves secrets: it must have shown who it is.

import { identifyProxy } from "../fleet/proxy-identity.ts";
import type { Authenticator } from "../identity/authenticator.ts";
import { credentialsOf } from "../identity/certificate-method.ts";
import type { XdsBackend, XdsClient, XdsOpening } from "../xds/backend.ts";

/** Clients with a certificate are the backend's to check; others need a token of the namespace that they speak for. */
export function requireIdentity(backend: XdsBackend, authenticator: Authenticator): XdsBackend {
  return {
    open(client, stream) {
      if (!client.servesSecrets || client.peer !== undefined) return backend.open(client, stream);
      return checkToken(client, authenticator).then((refusal) => refusal ?? backend.open(client, stream));
    },
  };
}

async function checkToken(client: XdsClient, authenticator: Authenticator): Promise<XdsOpening | undefined> {
  const credentials = credentialsOf({ peer: { certificate: undefined }, metadata: client.metadata });
  const authentication = await authenticator.authenticate(credentials);
  if (authentication.kind !== "caller") {
    const reason = authentication.kind === "refused" ? authentication.reason : "no certificate and no token";
    return {
      kind: "refused",
      status: "UNAUTHENTICATED",
      message: `Cannot serve "${client.nodeId}": ${reason}`,
    };
  }
  const identified = identifyProxy(client);
  const { namespace } = authentication.caller;
  if (identified.kind !== "known" || identified.proxy.namespace === namespace) return undefined;
  const message = `The token is of the namespace "${namespace}", not of "${identified.proxy.namespace}"`;
  return { kind: "refused", status: "PERMISSION_DENIED", message };
}
