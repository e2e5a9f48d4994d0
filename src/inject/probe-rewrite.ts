// Probes of the application by way of the agent: with mTLS STRICT kubelet couldn't reach the app, and a TCP
// probe would find the proxy's listener, which always accepts. Exec probes need no rewriting.

import type { Container } from "../kinds/pod/container.ts";
import type { HttpGetAction, Lifecycle, LifecycleHandler, Probe } from "../kinds/pod/probe.ts";

/** What the agent asks the app when it is asked for a path: the value of ISTIO_KUBE_APP_PROBERS, by path. */
export type AppProbers = Readonly<Record<string, AppProber>>;

export interface AppProber {
  readonly httpGet?: HttpGetAction;
  readonly tcpSocket?: { readonly host?: string; readonly port: number };
  readonly grpc?: { readonly port: number; readonly service?: string };
  readonly timeoutSeconds?: number;
}

export interface RewrittenProbes {
  readonly container: Container;
  readonly probers: AppProbers;
}

const pathsByProbe = {
  livenessProbe: "livez",
  readinessProbe: "readyz",
  startupProbe: "startupz",
} as const;

const pathsByHook = { preStop: "prestopz", postStart: "poststartz" } as const;

/** `statusPort`: where the agent listens (15020). */
export function rewriteProbes(container: Container, statusPort: number): RewrittenProbes {
  const probers: Record<string, AppProber> = {};
  const changes: Record<string, Probe | Lifecycle> = {};
  for (const [field, word] of Object.entries(pathsByProbe)) {
    const probe = container[field as keyof typeof pathsByProbe];
    const prober = probe === undefined ? undefined : proberOf(probe, container);
    if (probe === undefined || prober === undefined || portOf(prober) === statusPort) continue;
    const path = `/app-health/${container.name}/${word}`;
    probers[path] = { ...prober, timeoutSeconds: probe.timeoutSeconds ?? 1 };
    changes[field] = throughAgent(probe, path, statusPort);
  }
  const lifecycle = rewriteHooks(container, statusPort, probers);
  if (lifecycle !== undefined) changes.lifecycle = lifecycle;
  return { container: { ...container, ...changes }, probers };
}

function rewriteHooks(
  container: Container,
  statusPort: number,
  probers: Record<string, AppProber>,
): Lifecycle | undefined {
  const changes: Record<string, LifecycleHandler> = {};
  for (const [hook, word] of Object.entries(pathsByHook)) {
    const handler = container.lifecycle?.[hook as keyof typeof pathsByHook];
    const prober = handler === undefined ? undefined : proberOf(handler, container);
    if (prober === undefined) continue;
    const path = `/app-lifecycle/${container.name}/${word}`;
    probers[path] = prober;
    changes[hook] = { httpGet: { path, port: statusPort } };
  }
  return Object.keys(changes).length === 0 ? undefined : { ...container.lifecycle, ...changes };
}

/** Undefined where the agent has no part: exec, sleep, or a port name that the container doesn't have. */
function proberOf(action: Probe | LifecycleHandler, container: Container): AppProber | undefined {
  if (action.httpGet !== undefined) {
    const port = resolvePort(action.httpGet.port, container);
    return port === undefined ? undefined : { httpGet: { ...action.httpGet, port } };
  }
  if (action.tcpSocket !== undefined) {
    const port = resolvePort(action.tcpSocket.port, container);
    return port === undefined ? undefined : { tcpSocket: { ...action.tcpSocket, port } };
  }
  return "grpc" in action && action.grpc !== undefined ? { grpc: action.grpc } : undefined;
}

function resolvePort(port: number | string, container: Container): number | undefined {
  if (typeof port === "number") return port;
  const named = container.ports?.find(({ name }) => name === port)?.containerPort;
  return named ?? (/^\d+$/.test(port) ? Number(port) : undefined);
}

function portOf(prober: AppProber): number {
  return Number(prober.httpGet?.port ?? prober.tcpSocket?.port ?? prober.grpc?.port);
}

/** Timing stays the user's. The agent speaks HTTPS to the app where the probe did. */
function throughAgent(probe: Probe, path: string, statusPort: number): Probe {
  const { httpGet, tcpSocket: _tcpSocket, grpc: _grpc, ...timing } = probe;
  const { scheme: _scheme, host: _host, ...kept } = httpGet ?? {};
  return { ...timing, httpGet: { ...kept, path, port: statusPort } };
}
