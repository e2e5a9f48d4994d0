// Which user and group the proxy runs as. OpenShift gives each namespace its own range of ids and admits no others.

export interface ProxyIds {
  readonly uid: number;
  readonly gid: number;
}

export const defaultProxyIds: ProxyIds = { uid: 1337, gid: 1337 };

const UIDS = "openshift.io/sa.scc.uid-range";
const GROUPS = "openshift.io/sa.scc.supplemental-groups";

/** Annotations that a Namespace must keep for this. */
export const proxyIdAnnotations: readonly string[] = [UIDS, GROUPS];

/** The last of the namespace's ranges, so that the app's own, which is the first by default, is another. */
export function proxyIdsOf(namespaceAnnotations: Readonly<Record<string, string>> = {}): ProxyIds {
  const [firstGroups] = (namespaceAnnotations[GROUPS] ?? "").split(",");
  return {
    uid: lastOf(namespaceAnnotations[UIDS]) ?? defaultProxyIds.uid,
    gid: lastOf(firstGroups) ?? defaultProxyIds.gid,
  };
}

/** `1000620000/10000` is a start and a length, `1000620000-1000629999` a start and an end. */
function lastOf(range = ""): number | undefined {
  const [, start, separator, second] = /^(\d{1,10})([/-])(\d{1,10})$/.exec(range.trim()) ?? [];
  if (start === undefined || Number(second) === 0) return undefined;
  return separator === "/" ? Number(start) + Number(second) - 1 : Number(second);
}
