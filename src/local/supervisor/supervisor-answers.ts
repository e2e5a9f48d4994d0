// The admin interface's answers, from the running mesh.

import type {
  ExecAnswer,
  ExecRequest,
  GatewayAddress,
  LogLine,
  MeshReport,
} from "../../admin/contract/supervisor.ts";
import { systemClock } from "../../core/clock.ts";
import { objectKey } from "../../core/object-key.ts";
import { formatLocation, formatProblem } from "../../core/problem.ts";
import { quoted } from "../../core/quoted.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import { enterMeshCommand } from "../front/launch-supervisor.ts";
import { findTool } from "../network/run-tool.ts";
import type { Kubelet } from "../workloads/kubelet.ts";
import type { PodRunner } from "../workloads/pod-runner.ts";
import type { PodSidecar } from "../workloads/pod-runtime.ts";
import type { WorkloadStore } from "../workloads/workload-store.ts";
import { keyOfObject } from "../workloads/workload-store.ts";
import type { AdminAnswers, Answer, LogQuery, PodPlace, Refusal } from "./admin-server.ts";
import type { ControlPlaneProcess } from "./control-plane-process.ts";
import type { DeclaredObjects } from "./declared-objects.ts";
import type { SupervisorSettings } from "./front-protocol.ts";
import type { LogRegistry } from "./log-registry.ts";
import { buildPodReport } from "./pod-reports.ts";
import { residentBytes } from "./process-memory.ts";

export interface SupervisorParts {
  readonly settings: SupervisorSettings;
  readonly store: WorkloadStore;
  readonly declared: DeclaredObjects;
  readonly kubelet: Kubelet;
  readonly logs: LogRegistry;
  readonly controlPlane: ControlPlaneProcess;
  readonly gateways: () => readonly GatewayAddress[];
  readonly onShutdown: () => void;
}

export function createSupervisorAnswers(parts: SupervisorParts): AdminAnswers {
  const { store, declared, kubelet, onShutdown } = parts;
  return {
    pods: () =>
      (store.list("Pod") as readonly Pod[]).map((pod) =>
        buildPodReport(pod, kubelet.runner(keyOfObject(pod))?.pids() ?? new Map()),
      ),
    mesh: () => meshReport(parts),
    objects: (kind, namespace) =>
      store.list(kind).filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace),
    location(object, path) {
      const location = declared.locate(object, path);
      return location === undefined ? {} : { location: formatLocation(location) };
    },
    exec: (request) => answerExec(parts, request),
    logs: (query) => answerLogs(parts, query),
    taps(place) {
      const sidecar = findSidecar(kubelet, place);
      if ("kind" in sidecar) return sidecar;
      return { kind: "answer", value: { taps: sidecar.taps, clock: systemClock } };
    },
    envoySocket(place) {
      const sidecar = findSidecar(kubelet, place);
      return "kind" in sidecar ? sidecar : { kind: "answer", value: sidecar.adminSocketPath };
    },
    shutdown: onShutdown,
  };
}

function meshReport({ settings, controlPlane, gateways }: SupervisorParts): MeshReport {
  const { meshName, version, frontPid } = settings;
  const supervisor = { name: "supervisor", pid: process.pid, memoryBytes: process.memoryUsage.rss() };
  const pid = controlPlane.pid;
  return {
    name: meshName,
    version,
    frontPid,
    processes: [
      ...(pid === undefined ? [] : [{ name: "control plane", pid, memoryBytes: residentBytes(pid) }]),
      supervisor,
    ],
    gateways: gateways(),
  };
}

async function answerExec(
  { settings, kubelet }: SupervisorParts,
  request: ExecRequest,
): Promise<Answer<ExecAnswer>> {
  const runner = findRunner(kubelet, request);
  const [program, ...words] = request.command;
  if (runner === undefined) return noPod(request);
  if (program === undefined) return refuse(400, "Cannot run nothing: the command is empty");
  const container = request.container ?? firstApplication(runner.pod);
  const script = request.terminal === undefined ? undefined : findTool("script");
  const terminal = script && request.terminal ? { script, type: request.terminal } : undefined;
  const outcome = await runner.execCommand(container, [program, ...words], terminal);
  if (outcome === undefined)
    return refuse(404, `Pod "${request.pod}" has no running container "${container}"`);
  if (outcome.kind === "unresolved") return refuse(409, formatProblem(outcome.problem));
  const { argv, environment } = outcome.value;
  const { privilege } = settings;
  return {
    kind: "answer",
    value: {
      argv: enterMeshCommand(settings, { privilege, argv }),
      environment,
      hasTerminal: terminal !== undefined,
    },
  };
}

function answerLogs({ kubelet, logs }: SupervisorParts, query: LogQuery): ReturnType<AdminAnswers["logs"]> {
  const runner = findRunner(kubelet, query);
  if (runner === undefined) return noPod(query);
  const wanted = query.container ?? defaultContainers(runner.pod);
  const names = typeof wanted === "string" ? [wanted] : wanted;
  const chosen = names.map((name) => [name, logs.log(runner.pod, name)] as const);
  const afterMs = query.sinceMs === undefined ? 0 : Date.now() - query.sinceMs;
  const lines = chosen
    .flatMap(([container, log]) => log.tail().map((line) => ({ container, ...line })))
    .filter(({ atMs }) => atMs > afterMs)
    .sort((one, other) => one.atMs - other.atMs)
    .map(({ container, stream, text }): LogLine => ({ container, stream, text }));
  return {
    kind: "answer",
    value: {
      lines:
        query.tailCount === undefined ? lines : query.tailCount === 0 ? [] : lines.slice(-query.tailCount),
      watch(listener) {
        const ends = chosen.map(([container, log]) =>
          log.watch(({ stream, text }) => listener({ container, stream, text })),
        );
        return () => {
          for (const end of ends) end();
        };
      },
    },
  };
}

/** All applications, or the proxy where it is all that the pod has. */
function defaultContainers({ spec }: Pod): readonly string[] {
  const names = spec.containers.map(({ name }) => name);
  const applications = names.filter((name) => name !== "istio-proxy");
  return applications.length > 0 ? applications : names;
}

function firstApplication(pod: Pod): string {
  return defaultContainers(pod)[0] ?? "";
}

function findRunner(kubelet: Kubelet, { namespace, pod }: PodPlace): PodRunner | undefined {
  return kubelet.runner(objectKey({ kind: "Pod", namespace, name: pod }));
}

function findSidecar(kubelet: Kubelet, place: PodPlace): PodSidecar | ReturnType<typeof refuse> {
  const runner = findRunner(kubelet, place);
  if (runner === undefined) return noPod(place);
  return runner.sidecar ?? refuse(404, `Pod "${place.pod}" has no proxy that runs`);
}

function noPod({ namespace, pod }: PodPlace): { readonly kind: "refusal"; readonly refusal: Refusal } {
  return refuse(404, `There is no pod ${quoted(pod)} in namespace ${quoted(namespace)}`);
}

function refuse(
  status: Refusal["status"],
  error: string,
): { readonly kind: "refusal"; readonly refusal: Refusal } {
  return { kind: "refusal", refusal: { status, answer: { error } } };
}
