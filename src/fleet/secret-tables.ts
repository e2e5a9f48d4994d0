// Secrets that the control plane serves to proxies which name them: certificates of gateways and of TLS origination,
// always from the proxy's own namespace.

import { Buffer } from "node:buffer";
import { SecretSchema } from "../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Secret } from "../kinds/secret.ts";
import { AUTHORITY_SUFFIX, authorityOf, tlsCredentialOf } from "../kinds/tls-credential.ts";
import type { OutboundClusterInputs } from "../view/cluster-inputs.ts";
import type { GatewayView } from "../view/gateway/gateway-views.ts";
import { CREDENTIAL_SCHEME } from "../view/gateway/tls-secrets.ts";
import { layerKey, splitLayerKey, workloadLayer } from "../view/layer-id.ts";
import type { Scoped } from "../view/scoped-rows.ts";
import type { Views } from "../view/views.ts";
import { type BuiltResource, buildResource } from "./built-resource.ts";
import { equalRows, present, type ResourceRow, type ResourceTable } from "./resource-row.ts";

/** What a row can no longer justify is given to nobody. */
export function declareSecretResources(graph: Graph, views: Views): ResourceTable {
  const ofGateways = graph.derive<GatewayView, ResourceRow>({
    name: "gateway secret resources",
    from: views.gateways,
    equal: equalRows,
    whenFailing: "withdraw",
    *rows(id, view, read) {
      for (const name of credentialsOf(view)) {
        const resource = secretResource(name, view.namespace, views, read);
        if (resource !== undefined) yield [layerKey(workloadLayer(id), name), present(resource)];
      }
    },
  });
  const ofClusters = graph.derive<Scoped<OutboundClusterInputs>, ResourceRow>({
    name: "cluster secret resources",
    from: views.clusters,
    equal: equalRows,
    whenFailing: "withdraw",
    *rows(key, row, read) {
      if (row.kind === "absent" || row.inputs.tls.kind !== "configured") return;
      const { credentialName } = row.inputs.tls.settings;
      if (credentialName === undefined) return;
      const { layer } = splitLayerKey(key);
      const namespace = read.get(views.scopes.table, layer)?.namespace;
      if (namespace === undefined) return;
      for (const name of [
        `${CREDENTIAL_SCHEME}${credentialName}`,
        `${CREDENTIAL_SCHEME}${credentialName}${AUTHORITY_SUFFIX}`,
      ]) {
        const resource = secretResource(name, namespace, views, read);
        if (resource !== undefined) yield [layerKey(layer, name), present(resource)];
      }
    },
  });
  return graph.union("secret resources", [ofGateways, ofClusters]);
}

function credentialsOf({ listeners }: GatewayView): ReadonlySet<string> {
  const names = listeners.flatMap(({ chains }) =>
    chains.flatMap(({ tls }) => (tls === undefined ? [] : [...tls.secrets, tls.caSecret])),
  );
  return new Set(names.filter((name) => name?.startsWith(CREDENTIAL_SCHEME)) as string[]);
}

/** `kubernetes://NAME` is a certificate with its key, `kubernetes://NAME-cacert` a CA: of a Secret so named, or of NAME. */
function secretResource(
  name: string,
  namespace: string,
  views: Views,
  read: Read,
): BuiltResource | undefined {
  const written = name.slice(CREDENTIAL_SCHEME.length);
  const find = (secretName: string) => read.get(views.model.secrets, `${namespace}/${secretName}`);
  if (written.endsWith(AUTHORITY_SUFFIX)) {
    const authority =
      authorityOf(find(written)) ?? authorityOf(find(written.slice(0, -AUTHORITY_SUFFIX.length)));
    return authority === undefined ? undefined : authorityResource(name, authority);
  }
  return certificateResource(name, find(written));
}

function certificateResource(name: string, secret: Secret | undefined): BuiltResource | undefined {
  const certificate = secret === undefined ? undefined : tlsCredentialOf(secret);
  if (certificate?.kind !== "usable") return undefined;
  const message = {
    name,
    type: {
      case: "tlsCertificate" as const,
      value: {
        certificateChain: inline(certificate.chain),
        privateKey: inline(certificate.key),
      },
    },
  };
  return buildResource(SecretSchema, message, { name });
}

function authorityResource(name: string, authority: Uint8Array): BuiltResource {
  const type = { case: "validationContext" as const, value: { trustedCa: inline(authority) } };
  return buildResource(SecretSchema, { name, type }, { name });
}

function inline(bytes: Uint8Array) {
  return { specifier: { case: "inlineBytes" as const, value: new Uint8Array(Buffer.from(bytes)) } };
}
