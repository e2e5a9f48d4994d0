// Whether the Secrets are there that a client's TLS to a host needs. Until they are, the cluster is left out: Envoy
// would wait for them, and hold up the acknowledgement of all other clusters.

import type { Read } from "../graph/read.ts";
import type { ClientTlsSettings } from "../kinds/destination-rule/client-tls.ts";
import type { Secret } from "../kinds/secret.ts";
import {
  AUTHORITY_SUFFIX,
  authorityOf,
  canNameCertificate,
  tlsCredentialOf,
} from "../kinds/tls-credential.ts";
import type { Model } from "../model/model.ts";
import { rowKey } from "../model/sources.ts";
import type { ScopeClient } from "./client-questions.ts";

export interface CredentialLookup {
  readonly model: Model;
  readonly read: Read;
  /** A Secret is never read from elsewhere than its namespace. */
  readonly client: Pick<ScopeClient, "namespace">;
}

/** True where no Secret is named. The CA may stand in the Secret itself or in one with `-cacert` after its name. */
export function hasCredentials(
  { mode, credentialName, insecureSkipVerify }: ClientTlsSettings,
  { model, read, client }: CredentialLookup,
): boolean {
  if (credentialName === undefined) return true;
  const namespace = client.namespace();
  const secret = read.get(model.secrets, rowKey(namespace, credentialName));
  const withAuthority = read.get(model.secrets, rowKey(namespace, `${credentialName}${AUTHORITY_SUFFIX}`));
  const hasAuthority = authorityOf(secret) !== undefined || authorityOf(withAuthority) !== undefined;
  return (
    (mode !== "MUTUAL" || (canNameCertificate(credentialName) && isUsable(secret))) &&
    (insecureSkipVerify === true || hasAuthority)
  );
}

function isUsable(secret: Secret | undefined): boolean {
  return secret !== undefined && tlsCredentialOf(secret).kind === "usable";
}
