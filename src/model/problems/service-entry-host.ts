// A ServiceEntry for a host that a Service or another ServiceEntry has already.

import { objectKeyText } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import type { ServiceEntry } from "../../kinds/service-entry/service-entry.ts";
import { keyOf } from "../sources.ts";
import { type CheckContext, problemAt, shortHost } from "./check.ts";

export function* checkServiceEntryHosts(object: ServiceEntry, context: CheckContext): Iterable<Problem> {
  const { read, model, settings } = context;
  const own = keyOf(object);
  for (const [at, host] of object.spec.hosts.entries()) {
    const others = read.find(model.servicesByHost, host).map(([, service]) => service);
    const sameNamespace = others.find(
      (service) => service.object !== own && service.namespace === object.metadata.namespace,
    );
    const elsewhere = others.find((service) => service.object !== own && service.registry === "Kubernetes");
    const rival = sameNamespace ?? elsewhere;
    if (rival === undefined) continue;
    const outcome =
      sameNamespace === undefined
        ? "clients outside this namespace get either of them"
        : "it stands, and this one is left out";
    yield problemAt(object, `spec.hosts[${at}]`, {
      code: "MLT2015",
      severity: sameNamespace === undefined ? "warning" : "error",
      message: `"${shortHost(host, settings)}" is a host of ${objectKeyText(rival.object)} too: ${outcome}`,
    });
  }
}
