// Listeners as proxies get them that refuse what users wrote of logs and spans: with those that the proxy has, or with
// none. Else a proxy that starts would lack the listener, and one that has an older version would get no newer one. Built
// once for all that have the same.

import {
  NO_TELEMETRY,
  textsOf,
  withWrittenTelemetry,
  writtenTelemetryIn,
} from "../envoy/listener/written-telemetry.ts";
import type { Held } from "../xds/backend.ts";
import type { Resource } from "../xds/resource.ts";
import { type BuiltResource, resourceOf, telemetrySources } from "./built-resource.ts";
import type { VersionStandIn } from "./version-stand-ins.ts";

/** Stands for what isn't known of a proxy, and for nothing. */
const UNKNOWN: object = {};

export class StandInListeners {
  /** By the refused version, and by what is in use. */
  readonly #built = new WeakMap<object, WeakMap<object, VersionStandIn>>();

  /** Undefined where they aren't to blame: there are none, or the proxy takes the same already. */
  find(refused: BuiltResource, inUse: Held): VersionStandIn | undefined {
    const held = typeof inUse === "object" ? inUse : undefined;
    const built = this.#built.get(refused) ?? new WeakMap<object, VersionStandIn>();
    this.#built.set(refused, built);
    const known = built.get(held ?? UNKNOWN) ?? build(refused, held);
    if (known !== undefined) built.set(held ?? UNKNOWN, known);
    return known;
  }
}

function build(refused: BuiltResource, held: Resource | undefined): VersionStandIn | undefined {
  const bytes = Buffer.concat(refused.body);
  const former = held === undefined ? NO_TELEMETRY : writtenTelemetryIn(Buffer.concat(held.body));
  const taken = new Set(textsOf(former));
  if (textsOf(writtenTelemetryIn(bytes)).every((text) => taken.has(text))) return undefined;
  return {
    resource: resourceOf(withWrittenTelemetry(bytes, former), refused),
    blamed: telemetrySources(refused),
  };
}
