// Secrets that a Gateway's servers name: until each exists and holds what it must, the server isn't offered.

import { spellingHint } from "../../core/nearest-spelling.ts";
import type { Problem } from "../../core/problem.ts";
import type { Gateway } from "../../kinds/gateway/gateway.ts";
import type { ServerTlsSettings } from "../../kinds/gateway/server.ts";
import {
  AUTHORITY_SUFFIX,
  authorityOf,
  canNameCertificate,
  tlsCredentialOf,
} from "../../kinds/tls-credential.ts";
import { rowKey } from "../sources.ts";
import type { Workload } from "../workloads.ts";
import { type CheckContext, problemAt } from "./check.ts";
import { selectedWorkloads } from "./selected-workloads.ts";

export function* checkGatewayCredentials(object: Gateway, context: CheckContext): Iterable<Problem> {
  // Secrets are read where the gateway's pods are, not where the Gateway is.
  const workloads = selectedWorkloads(object, context) ?? [];
  const namespaces = [...new Set(workloads.map(({ namespace }) => namespace))].sort();
  const denied = deniedAccounts(workloads, context);
  for (const [at, { tls }] of (object.spec.servers ?? []).entries()) {
    if (tls === undefined) continue;
    for (const { name, field } of credentialsOf(tls)) {
      for (const namespace of namespaces) {
        const fault = faultOf({ name, namespace, mode: tls.mode }, context);
        if (fault === undefined) continue;
        yield problemAt(object, `spec.servers[${at}].tls.${field}`, { code: "MLT2012", ...fault });
      }
      for (const { namespace, serviceAccount } of denied) {
        yield problemAt(object, `spec.servers[${at}].tls.${field}`, {
          code: "MLT2019",
          message: `Cannot serve Secret "${namespace}/${name}" to the gateway: its ServiceAccount "${serviceAccount}" may not read Secrets in namespace "${namespace}"`,
          hint: "bind it to a Role that lists secrets there",
        });
      }
    }
  }
}

/** Whose right isn't known yet isn't among them. */
function deniedAccounts(workloads: readonly Workload[], { read, model }: CheckContext): readonly Workload[] {
  const byKey = new Map(workloads.map((each) => [rowKey(each.namespace, each.serviceAccount), each]));
  return [...byKey]
    .filter(
      ([key, { proxyKind }]) => proxyKind === "router" && read.get(model.secretReaders, key) === "denied",
    )
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, workload]) => workload);
}

function credentialsOf({ credentialName = "", credentialNames = [] }: ServerTlsSettings) {
  if (credentialName !== "") return [{ name: credentialName, field: "credentialName" }];
  return credentialNames.map((name, index) => ({ name, field: `credentialNames[${index}]` }));
}

interface Credential {
  readonly name: string;
  readonly namespace: string;
  readonly mode: ServerTlsSettings["mode"];
}

function faultOf({ name, namespace, mode }: Credential, { read, sources }: CheckContext) {
  if (!canNameCertificate(name))
    return {
      message: `Cannot serve TLS: a Secret whose name ends in "${AUTHORITY_SUFFIX}" holds a CA, not a server's certificate`,
      hint: "give the Secret another name",
    };
  const secret = read.get(sources.Secret, rowKey(namespace, name));
  if (secret === undefined) {
    const inNamespace = read.all(sources.Secret).filter(([, each]) => each.metadata.namespace === namespace);
    return {
      message: `Cannot serve TLS: there is no Secret "${name}" in namespace "${namespace}", where the gateway's pods are`,
      hint: spellingHint(
        name,
        inNamespace.map(([, each]) => each.metadata.name),
      ),
    };
  }
  const credential = tlsCredentialOf(secret);
  if (credential.kind !== "usable") {
    const lack =
      credential.kind === "unfit"
        ? `its ${credential.reason}`
        : `it has no ${credential.missing.join(" and no ")}`;
    return {
      message: `Cannot serve TLS: Secret "${namespace}/${name}" is of no use: ${lack}`,
      hint: `kubectl create secret tls ${name} makes one of the right form`,
    };
  }
  const authority = read.get(sources.Secret, rowKey(namespace, `${name}-cacert`));
  const wantsClient = mode === "MUTUAL" || mode === "OPTIONAL_MUTUAL";
  if (!wantsClient || [secret, authority].some((each) => authorityOf(each) !== undefined)) return undefined;
  return {
    message: `Cannot check clients' certificates: neither Secret "${namespace}/${name}" nor "${name}-cacert" has ca.crt`,
  };
}
