// The CA of a cluster: plugged in as the Secret `cacerts`, else made once and kept in a Secret of our own, so that all
// replicas, and those after them, sign with the same key.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { problem } from "../core/problem.ts";
import { redacted } from "../core/redacted.ts";
import { secretKind } from "../kinds/secret.ts";
import type { ApiClient } from "../kubernetes/api-client.ts";
import { isApiError } from "../kubernetes/api-error.ts";
import { createObject, getObject } from "../kubernetes/api-objects.ts";
import { resourceOfKind } from "../kubernetes/api-resource.ts";
import type { AuthorityStoreOptions, OpenedAuthority } from "./authority-store.ts";
import { type AuthorityFiles, buildRootFiles, createCertificateAuthority } from "./certificate-authority.ts";

export const PLUGIN_SECRET = "cacerts";
export const OWN_SECRET = "meltemi-ca";

export interface ClusterAuthorityOptions extends AuthorityStoreOptions {
  /** Of both Secrets. */
  readonly namespace: string;
}

/** Throws where the API server can't be asked. Two that start at once end with the same CA. */
export async function openClusterAuthority(
  client: ApiClient,
  options: ClusterAuthorityOptions,
): Promise<OpenedAuthority> {
  const { namespace } = options;
  const plugin = await readFiles(client, { namespace, name: PLUGIN_SECRET });
  if (plugin !== undefined) return open(plugin, `${namespace}/${PLUGIN_SECRET}`, options);
  const own = { namespace, name: OWN_SECRET };
  const files =
    (await readFiles(client, own)) ?? (await createFiles(client, options)) ?? (await readFiles(client, own));
  if (files === undefined)
    throw new Error(`The Secret ${namespace}/${OWN_SECRET} was deleted while it was made`);
  return open(files, `${namespace}/${OWN_SECRET}`, options);
}

function open(files: AuthorityFiles, secret: string, options: ClusterAuthorityOptions): OpenedAuthority {
  const result = createCertificateAuthority(files, { randomBytes, ...options });
  if (result.kind === "authority") return result;
  const message = `Cannot use the CA in the Secret "${secret}": ${result.reason}`;
  return { kind: "problem", problem: problem("MLT5002", { message }) };
}

interface SecretName {
  readonly namespace: string;
  readonly name: string;
}

const secretResource = resourceOfKind(secretKind);

async function readFiles(client: ApiClient, name: SecretName): Promise<AuthorityFiles | undefined> {
  const secret = await getObject(client, secretResource, name);
  if (secret === undefined) return undefined;
  const data = (secret.data ?? {}) as Readonly<Record<string, string>>;
  const text = (field: string) => Buffer.from(data[field] ?? "", "base64").toString("utf8");
  return {
    certificatePem: text("ca-cert.pem"),
    keyPem: redacted(text("ca-key.pem")),
    chainPem: text("cert-chain.pem"),
    rootsPem: text("root-cert.pem"),
  };
}

/** Undefined where another replica was faster. */
async function createFiles(
  client: ApiClient,
  options: ClusterAuthorityOptions,
): Promise<AuthorityFiles | undefined> {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const files = buildRootFiles(privateKey, options.trustDomain, { randomBytes, ...options });
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: OWN_SECRET,
      namespace: options.namespace,
      labels: { "app.kubernetes.io/managed-by": "meltemi", "app.kubernetes.io/part-of": "meltemi" },
    },
    type: "meltemi.dev/ca",
    data: {
      "ca-cert.pem": base64(files.certificatePem),
      "ca-key.pem": base64(files.keyPem.reveal()),
      "root-cert.pem": base64(files.rootsPem),
    },
  };
  try {
    await createObject(client, secretResource, secret);
    return files;
  } catch (error) {
    if (isApiError(error, 409)) return undefined;
    throw error;
  }
}
