// A ServiceEntry for a host that a Service or another ServiceEntry has already.

import { canonicalHostname } from "../../core/hostname.ts";
import { objectKeyText } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import type { ServiceEntry } from "../../kinds/service-entry/service-entry.ts";
import { findNamed } from "../host-table.ts";
import { ignoredFields, isSamePort, obstacleTo } from "../merged-entries.ts";
import { byAge, serviceKey } from "../service.ts";
import { keyOf } from "../sources.ts";
import { type CheckContext, problemAt, shortHost } from "./check.ts";

export function* checkServiceEntryHosts(object: ServiceEntry, context: CheckContext): Iterable<Problem> {
  const { read, model, settings } = context;
  const own = keyOf(object);
  for (const [at, host] of object.spec.hosts.entries()) {
    const others = findNamed(read, model.hostClaims, canonicalHostname(host)).map(([, service]) => service);
    const ofKubernetes = others.filter(({ registry }) => registry === "Kubernetes");
    const sameNamespace = ofKubernetes.find(({ namespace }) => namespace === object.metadata.namespace);
    const rival = sameNamespace ?? ofKubernetes.find((service) => service.object !== own);
    if (rival === undefined) {
      yield* checkMerge(object, { host, path: `spec.hosts[${at}]` }, context);
      continue;
    }
    const outcome =
      sameNamespace === undefined
        ? "clients in this namespace reach this one, all others the Service"
        : "it stands, and this one is left out";
    yield problemAt(object, `spec.hosts[${at}]`, {
      code: "MLT2015",
      severity: sameNamespace === undefined ? "warning" : "error",
      message: `"${shortHost(host, settings)}" is a host of ${objectKeyText(rival.object)} too: ${outcome}`,
    });
  }
}

interface WrittenHost {
  readonly host: string;
  readonly path: string;
}

/** Against the oldest ServiceEntry of the namespace for the host, which others add to. */
function* checkMerge(
  object: ServiceEntry,
  { host, path }: WrittenHost,
  { read, model }: CheckContext,
): Iterable<Problem> {
  const key = serviceKey({ namespace: object.metadata.namespace, hostname: canonicalHostname(host) });
  const entries = read.find(model.entriesByHost, key).map(([, entry]) => entry);
  const own = entries.find((entry) => entry.object === keyOf(object));
  const [oldest] = entries.toSorted(byAge);
  if (own === undefined || oldest === undefined || own === oldest) return;
  const older = `${objectKeyText(oldest.object)}, which is older`;
  const obstacle = obstacleTo(oldest, own);
  if (obstacle !== undefined) {
    yield problemAt(object, path, {
      code: "MLT2015",
      message: `"${host}" is a host of ${older} and has another ${obstacle}: this one is left out`,
      hint: `give both the same ${obstacle}, or merge them`,
    });
    return;
  }
  for (const field of ignoredFields(oldest, own)) {
    const message = `spec.${field} has no effect: for "${host}" that of ${older}, counts`;
    yield problemAt(object, `spec.${field}`, { code: "MLT2015", severity: "warning", message });
  }
  const merged = read.get(model.services, key)?.ports ?? [];
  for (const [at, port] of (object.spec.ports ?? []).entries()) {
    const written = own.ports.find(({ number }) => number === port.number);
    const holds = merged.find(({ number }) => number === port.number);
    if (written === undefined || holds === undefined || isSamePort(written, holds)) continue;
    yield problemAt(object, `spec.ports[${at}]`, {
      code: "MLT2015",
      message: `Port ${port.number} of "${host}" is "${holds.name}" (${holds.protocol}) in an older ServiceEntry: this one's is left out`,
      hint: "give it the same name and protocol in both",
    });
  }
}
