// Where a gateway's server finds its certificates: Secrets in the proxy's own namespace, or files beside the proxy.

import type { ServerTlsSettings } from "../../kinds/gateway/server.ts";
import type { Secret } from "../../kinds/secret.ts";
import {
  AUTHORITY_SUFFIX,
  authorityOf,
  canNameCertificate,
  tlsCredentialOf,
} from "../../kinds/tls-credential.ts";
import type { GatewayServer } from "../../model/gateway-servers.ts";
import type { GatewayChain } from "../listener-inputs.ts";
import type { GatewayContext } from "./gateway-context.ts";

type GatewayTls = NonNullable<GatewayChain["tls"]>;

export const CREDENTIAL_SCHEME = "kubernetes://";

/** Undefined where a Secret that the server names isn't there, or holds no certificate that can be used. */
export function secretNames({ server }: GatewayServer, context: GatewayContext): GatewayTls | undefined {
  const settings = server.tls;
  if (settings === undefined) return undefined;
  if (settings.mode === "ISTIO_MUTUAL") return { settings, secrets: [] };
  const credentials = credentialsOf(settings);
  const found = credentials.length > 0 ? fromSecrets(settings, credentials, context) : fromFiles(settings);
  return found;
}

function credentialsOf({ credentialName, credentialNames = [] }: ServerTlsSettings): readonly string[] {
  return credentialName === undefined || credentialName === "" ? credentialNames : [credentialName];
}

function fromSecrets(
  settings: ServerTlsSettings,
  credentials: readonly string[],
  { side, model, read }: GatewayContext,
): GatewayTls | undefined {
  const find = (name: string) => read.get(model.secrets, `${side.namespace}/${name}`);
  if (!credentials.every((name) => canNameCertificate(name) && isUsable(find(name)))) return undefined;
  const secrets = credentials.map((name) => `${CREDENTIAL_SCHEME}${name}`);
  if (settings.mode !== "MUTUAL" && settings.mode !== "OPTIONAL_MUTUAL") return { settings, secrets };
  const [first = ""] = credentials;
  const authority = [settings.caCertCredentialName, `${first}-cacert`, first].find(
    (name) => name !== undefined && authorityOf(find(name)) !== undefined,
  );
  return authority === undefined ? undefined : { settings, secrets, caSecret: authorityResource(authority) };
}

/** Certificate and CA may stand in one Secret; as resources they have two names. */
function authorityResource(secretName: string): string {
  const suffix = secretName.endsWith(AUTHORITY_SUFFIX) ? "" : AUTHORITY_SUFFIX;
  return `${CREDENTIAL_SCHEME}${secretName}${suffix}`;
}

function fromFiles(settings: ServerTlsSettings): GatewayTls | undefined {
  const { serverCertificate, privateKey, tlsCertificates = [], caCertificates } = settings;
  const pairs = serverCertificate === undefined ? tlsCertificates : [{ serverCertificate, privateKey }];
  if (pairs.length === 0) return undefined;
  return {
    settings,
    secrets: pairs.map((pair) => `file-cert:${pair.serverCertificate}~${pair.privateKey}`),
    ...(caCertificates === undefined ? {} : { caSecret: `file-root:${caCertificates}` }),
  };
}

function isUsable(secret: Secret | undefined): boolean {
  return secret !== undefined && tlsCredentialOf(secret).kind === "usable";
}
