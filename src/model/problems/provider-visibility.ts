// Providers of AuthorizationPolicies whose service isn't visible where it is to be asked from: its clients lack the
// cluster, so nobody can be asked.

import type { Problem } from "../../core/problem.ts";
import type { AuthorizationPolicy } from "../../kinds/authorization-policy/authorization-policy.ts";
import { findNamed } from "../host-table.ts";
import { isVisibleTo } from "../visibility.ts";
import { type CheckContext, problemAt } from "./check.ts";

export function* checkProviderVisibility(
  object: AuthorizationPolicy,
  { read, model, settings }: CheckContext,
): Iterable<Problem> {
  const { action, provider } = object.spec ?? {};
  const { namespace } = object.metadata;
  // Of the root namespace it is for clients of many.
  if (action !== "CUSTOM" || namespace === settings.rootNamespace) return;
  const found = settings.extensionProviders.find(({ name }) => name === provider?.name);
  const asked = found?.envoyExtAuthzGrpc ?? found?.envoyExtAuthzHttp;
  const written = asked?.service ?? "";
  const slash = written.indexOf("/");
  const services = findNamed(read, model.hostClaims, written.slice(slash + 1))
    .map(([, service]) => service)
    .filter((service) => slash === -1 || service.namespace === written.slice(0, slash));
  const [first] = services;
  if (first === undefined || services.some(({ visibility }) => isVisibleTo(visibility, namespace))) return;
  const isOpen = asked?.failOpen === true;
  yield problemAt(object, "spec.provider.name", {
    code: "MLT2038",
    severity: isOpen ? "error" : "warning",
    message: `The service of "${provider?.name}", ${first.hostname}, isn't exported to namespace "${namespace}", so it can't be asked from there, and ${isOpen ? "by failOpen all that the rules match is let in" : "all that the rules match is refused"}`,
    hint: `export it: its exportTo is to have "${namespace}" or "*"`,
  });
}
