// What a service learns from its surroundings: where the others are, and what it is called itself.
// By default the others have their Kubernetes names.

import { hostname } from "node:os";

/** `HOST:PORT` of another service: the variable `NAME_ADDR`, else its name in the cluster. */
export function addressOf(service: string, defaultPort: number): string {
  return process.env[`${service.toUpperCase()}_ADDR`] ?? `${service}:${defaultPort}`;
}

/** The port to listen on: `PORT`, else the one given. 0 picks a free one. */
export function listenPort(defaultPort: number): number {
  return Number(process.env.PORT ?? defaultPort);
}

export function podName(): string {
  return process.env.POD_NAME ?? hostname();
}

/** `v1`, `v2` …: which of several Deployments of one service this is. */
export function serviceVersion(): string {
  return process.env.SERVICE_VERSION ?? "v1";
}
