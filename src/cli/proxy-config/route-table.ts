// Routes of a proxy as istioctl shows them: a line for each route of each virtual host.

import { renderTable } from "../table.ts";
import type { DumpedRoute, DumpedRouteConfiguration } from "./config-dump.ts";
import { makerOf } from "./config-dump.ts";

/** As many domains as fit; the rest is counted. */
const SHOWN_DOMAINS = 2;

export function filterRoutes(
  routes: readonly DumpedRouteConfiguration[],
  { name }: { readonly name?: string | undefined },
): DumpedRouteConfiguration[] {
  return routes.filter((route) => name === undefined || route.name === name);
}

export function routeTable(routes: readonly DumpedRouteConfiguration[]): string {
  const rows = [...routes].sort(byName).flatMap(({ name, virtual_hosts = [] }) =>
    virtual_hosts.flatMap((host) => {
      const place = [name, host.name, domainsText(host.domains ?? [])];
      const hostRoutes = host.routes ?? [];
      if (hostRoutes.length === 0) return [[...place, undefined, undefined]];
      return hostRoutes.map((route) => [
        ...place,
        matchText(route),
        makerOf(route.metadata, "VirtualService"),
      ]);
    }),
  );
  return renderTable(["NAME", "VHOST NAME", "DOMAINS", "MATCH", "VIRTUAL SERVICE"], rows);
}

function domainsText(domains: readonly string[]): string {
  const rest = domains.length - SHOWN_DOMAINS;
  const shown = domains.slice(0, SHOWN_DOMAINS).join(", ");
  return rest > 0 ? `${shown} + ${rest} more` : shown;
}

function matchText({ match = {} }: DumpedRoute): string {
  const { path, prefix, path_separated_prefix, safe_regex, headers = [] } = match;
  const place =
    path ??
    (prefix === undefined ? undefined : `${prefix}*`) ??
    (path_separated_prefix === undefined ? undefined : `PathPrefix:${path_separated_prefix}`) ??
    (safe_regex === undefined ? "" : `regex ${safe_regex.regex}`);
  return headers.length === 0 ? place : `${place} (${headers.map(({ name }) => name).join(", ")})`;
}

function byName(one: DumpedRouteConfiguration, other: DumpedRouteConfiguration): number {
  return (one.name ?? "").localeCompare(other.name ?? "", "en", { numeric: true });
}
