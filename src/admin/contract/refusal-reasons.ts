// Why proxies refuse what an object made, merged from several reports and said in few words. Pure.

/** One reason, once for all proxies that give it. */
export interface RefusalReason {
  /** What was refused, and the proxies' own words. */
  readonly message: string;
  /** As `NAME.NAMESPACE`. */
  readonly proxies: readonly string[];
}

const MAX_REASONS = 3;
const MAX_PROXIES = 3;

export function mergeReasons(reasons: readonly RefusalReason[]): readonly RefusalReason[] {
  const proxiesByMessage = new Map<string, Set<string>>();
  for (const { message, proxies } of reasons) {
    const all = proxiesByMessage.get(message) ?? new Set<string>();
    proxiesByMessage.set(message, all);
    for (const proxy of proxies) all.add(proxy);
  }
  return [...proxiesByMessage].map(([message, proxies]) => ({ message, proxies: [...proxies].sort() }));
}

/** `refused by a.shop, b.shop: route "80": no such thing`, at most three of each. */
export function reasonsText(reasons: readonly RefusalReason[]): string {
  const sentences = reasons
    .slice(0, MAX_REASONS)
    .map(({ message, proxies }) => `refused by ${someOf(proxies)}: ${message}`);
  const others = reasons.length - sentences.length;
  return [...sentences, ...(others > 0 ? [`and for ${others} other reasons`] : [])].join("; ");
}

function someOf(proxies: readonly string[]): string {
  const others = proxies.length - MAX_PROXIES;
  return [...proxies.slice(0, MAX_PROXIES), ...(others > 0 ? [`${others} others`] : [])].join(", ");
}
