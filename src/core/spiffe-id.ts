// The name of a workload: `spiffe://TRUSTDOMAIN/ns/NAMESPACE/sa/SERVICEACCOUNT`, parsed strictly and once.

export type SpiffeId = string & { readonly __brand: "SpiffeId" };

export interface SpiffeIdParts {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

// SPIFFE-ID.md, sections 2.1 and 2.3: letters of a trust domain are lower case, a whole id has at most 2048 bytes.
const TRUST_DOMAIN = /^[a-z0-9._-]{1,255}$/;
const MAX_LENGTH = 2048;

// Kubernetes' RFC 1123 label (namespaces) and subdomain (ServiceAccounts).
const NAMESPACE = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const SERVICE_ACCOUNT =
  /^(?=.{1,253}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;

/** Throws when a part can't stand in an id: callers have validated namespaces and names long before. */
export function spiffeId(parts: SpiffeIdParts): SpiffeId {
  const text = `spiffe://${parts.trustDomain}/ns/${parts.namespace}/sa/${parts.serviceAccount}`;
  if (parseSpiffeId(text) === undefined) throw new Error(`Cannot make a SPIFFE id of "${text}"`);
  return text as SpiffeId;
}

/** Undefined for anything but exactly the form above: no port, query, escape, empty segment or upper case scheme. */
export function parseSpiffeId(text: string): SpiffeIdParts | undefined {
  if (text.length > MAX_LENGTH || !text.startsWith("spiffe://")) return undefined;
  const [trustDomain = "", ns, namespace = "", sa, serviceAccount = "", ...rest] = text.slice(9).split("/");
  if (ns !== "ns" || sa !== "sa" || rest.length > 0 || !isTrustDomain(trustDomain)) return undefined;
  if (!NAMESPACE.test(namespace) || !SERVICE_ACCOUNT.test(serviceAccount)) return undefined;
  return { trustDomain, namespace, serviceAccount };
}

export function isTrustDomain(text: string): boolean {
  return TRUST_DOMAIN.test(text);
}
