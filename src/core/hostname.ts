// Host names as Istio's API writes them: fully qualified, or with a wildcard in front such as `*.example.com`.

export type Hostname = string & { readonly __brand: "Hostname" };

const label = /^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$/;
const firstLabelWithWildcard = /^(?:\*|(?:\*-?)?[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)$/;
export const MAX_HOSTNAME_LENGTH = 255;
const MAX_LABEL_LENGTH = 63;

/** What is wrong with a name that must hold no wildcard, as the end of a sentence; undefined if nothing is. */
export function hostnameFault(name: string): string | undefined {
  return lengthFault(name) ?? labelsFault(name.replace(/\.$/, "").split("."));
}

/** The same for a name whose first label may be `*` or begin with it. */
export function wildcardHostnameFault(name: string): string | undefined {
  const length = lengthFault(name);
  if (length !== undefined) return length;
  const [first = "", ...others] = name.replace(/\.$/, "").split(".");
  if (!firstLabelWithWildcard.test(first) || first.length > MAX_LABEL_LENGTH) return labelFault(first);
  return others.length === 0 ? undefined : labelsFault(others);
}

export function isWildcard(host: string): boolean {
  return host.startsWith("*");
}

/** Whether some name is matched by both; either may be a wildcard. */
export function hostnamesOverlap(one: string, other: string): boolean {
  if (isWildcard(one) && isWildcard(other)) {
    const [shorter, longer] = one.length < other.length ? [one, other] : [other, one];
    return longer.slice(1).endsWith(shorter.slice(1));
  }
  return isHostnameWithin(one, other) || isHostnameWithin(other, one);
}

/** Whether every name that `inner` matches is matched by `outer` too. */
export function isHostnameWithin(inner: string, outer: string): boolean {
  if (!isWildcard(outer)) return inner === outer;
  if (!isWildcard(inner)) return inner.endsWith(outer.slice(1));
  return inner.length >= outer.length && inner.slice(1).endsWith(outer.slice(1));
}

/** Orders the most specific first: exact before wildcard, longer before shorter, then by alphabet. */
export function compareHostnames(one: string, other: string): number {
  if (isWildcard(one) !== isWildcard(other)) return isWildcard(one) ? 1 : -1;
  if (one.length !== other.length) return other.length - one.length;
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

/** One spelling of a host: in lower case, since DNS and HTTP know no other, and without the dot that ends an absolute name. */
export function canonicalHostname(host: string): string {
  return host.toLowerCase().replace(/(?<=.)\.$/, "");
}

/**
 * The full name of a host as written in an object, in its one spelling: a name without a dot is a Service in the object's namespace; names with a dot, wildcards and addresses are full already.
 */
export function qualifyHostname(host: string, namespace: string, clusterDomain = "cluster.local"): Hostname {
  const isFull = host.includes(".") || host.includes(":") || isWildcard(host) || host === "";
  return canonicalHostname(isFull ? host : `${host}.${namespace}.svc.${clusterDomain}`) as Hostname;
}

function lengthFault(name: string) {
  if (name === "") return "it is empty";
  if (name.length <= MAX_HOSTNAME_LENGTH) return undefined;
  return `it has ${name.length} characters, at most ${MAX_HOSTNAME_LENGTH} are allowed`;
}

function labelsFault(labels: readonly string[]) {
  for (const part of labels) {
    if (!label.test(part) || part.length > MAX_LABEL_LENGTH) return labelFault(part);
  }
  const top = labels.at(-1) ?? "";
  return /^\d+$/.test(top) ? `its top-level domain "${top}" is a number` : undefined;
}

function labelFault(part: string) {
  if (part === "") return "it has an empty label";
  if (part.length > MAX_LABEL_LENGTH)
    return `its label "${part}" is longer than ${MAX_LABEL_LENGTH} characters`;
  if (part.includes("*"))
    return `its label "${part}" is no wildcard: only the first label may begin with "*"`;
  return `its label "${part}" may hold letters, digits and inner hyphens only`;
}
