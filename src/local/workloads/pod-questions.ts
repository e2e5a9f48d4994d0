// Asks a container's probes and runs its hooks, each in the way that reaches it: through the sidecar's agent
// where the pod is in the mesh, over the bridge where it isn't, or as a command in the container.

import type { Clock } from "../../core/clock.ts";
import { timerMs } from "../../core/clock.ts";
import type { Container } from "../../kinds/pod/container.ts";
import type { HttpGetAction, LifecycleHandler, Probe } from "../../kinds/pod/probe.ts";
import type { PodSidecar } from "./pod-runtime.ts";
import { dialGrpc, dialHttp, dialTcp, probePort } from "./probe-dial.ts";
import type { ProbeOutcome } from "./probe-loop.ts";
import type { ProbeKind } from "./probe-state.ts";
import { probeTiming } from "./probe-state.ts";

type Exec = (argv: readonly [string, ...string[]], timeoutMs: number) => Promise<ProbeOutcome>;

export interface ProbeRequest {
  readonly container: Container;
  readonly kind: ProbeKind;
  readonly probe: Probe;
  readonly ip: string;
  readonly sidecar?: PodSidecar;
  readonly exec: Exec;
}

// What injection rewrites an application's probe to; the agent knows the probe that was there.
const REWRITTEN_PATH = "/app-health/";

export async function askProbe(request: ProbeRequest): Promise<ProbeOutcome> {
  const { container, kind, probe, ip, sidecar, exec } = request;
  const { timeoutMs } = probeTiming(probe);
  if (probe.exec !== undefined) return runCommand(probe.exec.command, timeoutMs, exec);
  const isRewritten = probe.httpGet?.path?.startsWith(REWRITTEN_PATH) === true;
  if (isRewritten && sidecar !== undefined) return sidecar.probe(container.name, kind);
  if (probe.grpc !== undefined) return dialGrpc(probe.grpc, { ip, timeoutMs });
  const action = probe.httpGet ?? probe.tcpSocket;
  if (action === undefined) return { isSuccess: true, message: "nothing is asked" };
  const port = probePort(container, action.port);
  if (port === undefined) return { isSuccess: false, message: `the container has no port "${action.port}"` };
  if (probe.httpGet !== undefined) return dialHttp({ ...probe.httpGet, port }, { ip, timeoutMs });
  return dialTcp(port, { ip: probe.tcpSocket?.host ?? ip, timeoutMs });
}

export interface HookMeans {
  readonly clock: Clock;
  readonly exec: Exec;
  readonly dial: (action: HttpGetAction) => Promise<ProbeOutcome>;
  readonly graceMs: number;
}

/** Resolves when the hook has done; with a sentence if it failed. */
export async function runHookAction(
  handler: LifecycleHandler,
  means: HookMeans,
): Promise<string | undefined> {
  if (handler.sleep !== undefined) {
    const { seconds } = handler.sleep;
    await new Promise<void>((resolve) => {
      means.clock.after(timerMs(seconds), resolve);
    });
    return undefined;
  }
  const outcome = await hookOutcome(handler, means);
  return outcome.isSuccess ? undefined : outcome.message;
}

function hookOutcome(handler: LifecycleHandler, means: HookMeans): Promise<ProbeOutcome> {
  if (handler.httpGet !== undefined) return means.dial(handler.httpGet);
  return runCommand(handler.exec?.command, means.graceMs, means.exec);
}

const HOOK_TIMEOUT_MS = 10_000;

/** A hook's request, which goes to the pod itself unless it names another host. */
export function dialAction(container: Container, action: HttpGetAction, ip: string): Promise<ProbeOutcome> {
  const port = probePort(container, action.port);
  if (port === undefined) {
    return Promise.resolve({ isSuccess: false, message: `the container has no port "${action.port}"` });
  }
  return dialHttp({ ...action, port }, { ip, timeoutMs: HOOK_TIMEOUT_MS });
}

function runCommand(
  command: readonly string[] | undefined,
  timeoutMs: number,
  exec: Exec,
): Promise<ProbeOutcome> {
  const [executable, ...words] = command ?? [];
  if (executable === undefined) return Promise.resolve({ isSuccess: false, message: "the command is empty" });
  return exec([executable, ...words], timeoutMs);
}
