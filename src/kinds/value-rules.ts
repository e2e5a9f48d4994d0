// Rules for values that many kinds hold: hosts, ports, percentages, durations, header names, exportTo.
// Each yields what is wrong at one path, and nothing where all is well or the value isn't set.

import { isIpAddress, parseCidr } from "../core/cidr.ts";
import { durationMs, parseDuration } from "../core/duration.ts";
import { childPath } from "../core/field-path.ts";
import { hostnameFault, wildcardHostnameFault } from "../core/hostname.ts";
import type { Finding } from "./define-kind.ts";
import { isDnsLabel } from "./object-name.ts";

export type Findings = Iterable<Finding>;

/** A full name or a short one, without a wildcard. */
export function* checkHostname(path: string, host: string): Findings {
  const fault = hostnameFault(host);
  if (fault !== undefined) yield { path, message: `"${host}" isn't a host name: ${fault}` };
}

export function* checkWildcardHostname(path: string, host: string): Findings {
  const fault = wildcardHostnameFault(host);
  if (fault !== undefined) yield { path, message: `"${host}" isn't a host name: ${fault}` };
}

export function* checkPort(path: string, port: number | undefined): Findings {
  if (port !== undefined && (port < 1 || port > 65535)) {
    yield { path, message: `found port ${port}, wanted 1 to 65535` };
  }
}

// The custom resource definitions of Istio allow no more.
const MAX_PORT_NAME_LENGTH = 62;

/** Of a workload, by their names in a service. */
export function* checkNamedPorts(path: string, ports: Readonly<Record<string, number>> = {}): Findings {
  for (const [name, port] of Object.entries(ports)) {
    const place = childPath(path, name);
    if (!isDnsLabel(name) || name.length > MAX_PORT_NAME_LENGTH) {
      const message = `"${name}" isn't a port's name, wanted a DNS label of at most ${MAX_PORT_NAME_LENGTH} characters`;
      yield { path: place, message };
    }
    yield* checkPort(place, port);
  }
}

// As nanoseconds a longer one has no room in 64 bits, neither in Go nor in Envoy.
const MAX_DURATION_SECONDS = 9_223_372_036n;

/** At least a millisecond, and no finer than that. */
export function* checkDuration(path: string, text: string | undefined): Findings {
  const duration = text === undefined ? undefined : parseDuration(text);
  if (duration === undefined) return;
  if (durationMs(duration) < 1) yield { path, message: `found "${text}", wanted at least 1ms` };
  else if (duration.nanos % 1_000_000 !== 0)
    yield { path, message: `found "${text}", wanted whole milliseconds` };
  else if (duration.seconds >= MAX_DURATION_SECONDS)
    yield { path, message: `found "${text}", wanted less than 292 years` };
}

export function* checkDurations(
  path: string,
  message: object | undefined,
  names: readonly string[],
): Findings {
  for (const name of names) {
    const text = (message as Readonly<Record<string, unknown>> | undefined)?.[name];
    if (typeof text === "string") yield* checkDuration(childPath(path, name), text);
  }
}

export function* checkRange(
  path: string,
  value: number | undefined,
  { minimum, maximum = Infinity }: { readonly minimum: number; readonly maximum?: number },
): Findings {
  if (value === undefined || (value >= minimum && value <= maximum)) return;
  const wanted = maximum === Infinity ? `at least ${minimum}` : `${minimum} to ${maximum}`;
  yield { path, message: `found ${value}, wanted ${wanted}` };
}

/** None of these numbers may be negative. */
export function* checkNotNegative(
  path: string,
  message: object | undefined,
  names: readonly string[],
): Findings {
  for (const name of names) {
    const value = (message as Readonly<Record<string, unknown>> | undefined)?.[name];
    if (typeof value === "number") yield* checkRange(childPath(path, name), value, { minimum: 0 });
  }
}

/** Warns of fields that a mode doesn't look at, where they are set. */
export function* checkUnused(
  path: string,
  message: object,
  { mode, names }: { readonly mode: string; readonly names: readonly string[] },
): Findings {
  for (const name of names) {
    const value = (message as Readonly<Record<string, unknown>>)[name];
    if (value === undefined || value === "" || value === false) continue;
    if (Array.isArray(value) && value.length === 0) continue;
    yield {
      severity: "warning",
      path: childPath(path, name),
      message: `mode ${mode} doesn't use "${name}", so it has no effect`,
    };
  }
}

export function* checkIpOrRange(path: string, text: string): Findings {
  if (parseCidr(text) === undefined) {
    yield { path, message: `"${text}" isn't an IP address or a range such as "10.0.0.0/8"` };
  }
}

export function* checkIpAddress(path: string, text: string): Findings {
  if (!isIpAddress(text)) yield { path, message: `"${text}" isn't an IP address` };
}

/** An HTTP header's name, or a pseudo-header such as `:authority`. */
export function* checkHeaderName(path: string, name: string): Findings {
  if (name === "") yield { path, message: "a header's name is empty" };
  else if (!/^:?[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name)) {
    yield { path, message: `"${name}" isn't a header's name` };
  }
}

/** Namespaces that see an object: `.`, `*`, or names; `~` only for services. */
export function* checkExportTo(
  exportTo: readonly string[] | undefined,
  { namespace, allowsNone = false }: { readonly namespace: string; readonly allowsNone?: boolean },
): Findings {
  const path = "spec.exportTo";
  const seen = new Set<string>();
  for (const [index, entry] of (exportTo ?? []).entries()) {
    const place = childPath(path, index);
    if (entry === "~" && !allowsNone)
      yield { path: place, message: '"~" (nobody) isn\'t allowed for this kind' };
    if (![".", "*", "~"].includes(entry) && !isDnsLabel(entry)) {
      yield { path: place, message: `"${entry}" isn't ".", "*" or a namespace's name` };
    }
    const meant = entry === "." ? namespace : entry;
    if (seen.has(meant)) yield { path: place, message: `"${entry}" is there twice` };
    seen.add(meant);
  }
  if (seen.size < 2) return;
  if (seen.has("*")) yield { path, message: '"*" (everybody) and other entries are both there' };
  if (seen.has("~")) yield { path, message: '"~" (nobody) and other entries are both there' };
}

const MAX_REPETITION = 1000;

/** What RE2 refuses, as far as it can be told without RE2; undefined if nothing is seen. */
export function regexFault(regex: string): string | undefined {
  if (/\(\?(?:[=!]|<[=!])/.test(regex)) return "RE2 has no look-around";
  if (/(?:^|[^\\])(?:\\\\)*\\[1-9]/.test(regex)) return "RE2 has no back-references";
  if (/(?:^|[^\\])(?:\\\\)*\\u/.test(regex)) return "RE2 writes a character as \\x{0041}, not \\u0041";
  for (const [, count = ""] of regex.matchAll(/\{(?:\d*,)?(\d+),?\}/g)) {
    if (Number(count) > MAX_REPETITION) return `RE2 repeats at most ${MAX_REPETITION} times`;
  }
  const translated = regex
    .replaceAll("(?P<", "(?<")
    .replaceAll(/\(\?[imsU]+(?:-[imsU]+)?(:|\))/g, (_, end) => (end === ":" ? "(?:" : ""));
  try {
    new RegExp(translated);
    return undefined;
  } catch (cause) {
    return cause instanceof Error ? cause.message.replace(/^.*: /, "") : String(cause);
  }
}
