// The annotation of an AuthorizationPolicy by which refused callers are told what refuses them.

/** A list of where they are told: `sidecars` and `gateways`. */
export const EXPLAIN_DENIALS = "meltemi.dev/explain-denials";

type Annotations = Readonly<Record<string, string>>;

const EXPLAINING_PROXIES = ["sidecars", "gateways"] as const;

export type ExplainingProxies = (typeof EXPLAINING_PROXIES)[number];

export function explainsDenialsAt(annotations: Annotations = {}): readonly ExplainingProxies[] {
  const words = wordsOf(annotations[EXPLAIN_DENIALS]);
  return EXPLAINING_PROXIES.filter((each) => words.includes(each));
}

/** The words of the annotation that mean nothing. */
export function unknownExplainingProxies(text: string): readonly string[] {
  return wordsOf(text).filter((word) => !(EXPLAINING_PROXIES as readonly string[]).includes(word));
}

function wordsOf(text = ""): readonly string[] {
  return text.split(",").map((word) => word.trim());
}
