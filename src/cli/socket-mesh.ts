// A mesh of this machine as commands ask it: the pages of its two sockets.

import { isDeepStrictEqual } from "node:util";
import type {
  IssuerKeysReport,
  LogScopeReport,
  ProgrammedReport,
  ProxyStatus,
  PushReport,
  TrafficWindowReport,
  UninjectedPods,
  VersionReport,
} from "../admin/contract/control-plane.ts";
import type { CommandRequest, LogQuery, Mesh, PodName } from "../admin/contract/mesh.ts";
import type {
  ExecAnswer,
  LocationReport,
  LogLine,
  MeshReport,
  PodReport,
} from "../admin/contract/supervisor.ts";
import { objectKey } from "../core/object-key.ts";
import { tapSearch } from "../core/tap-event.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";
import type { CommandContext } from "./command.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import type { MeshClient } from "./mesh-client.ts";
import { runOnTerminal } from "./run-on-terminal.ts";

export function socketMesh(client: MeshClient, context: Pick<CommandContext, "env" | "terminal">): Mesh {
  return {
    problemsHint: "see what is wrong in the output of meltemi up",
    objects: ({ kind }, namespace) => client.get("supervisor", "/objects", { kind, namespace }),
    async pods(namespace) {
      const pods = await client.get<PodReport[]>("supervisor", "/pods");
      return pods.filter((pod) => namespace === undefined || pod.namespace === namespace);
    },
    processes: async () => (await client.get<MeshReport>("supervisor", "/mesh")).processes,
    logs: (pod, query) => logLines(client, pod, query),
    exec: (pod, request) => execute(client, pod, { ...request, ...context }),
    envoy: ({ namespace, name }, path) => client.get("supervisor", "/envoy", { namespace, pod: name, path }),
    tap: ({ namespace, name }, query, signal) =>
      client.lines("supervisor", "/tap", { query: { namespace, pod: name, ...tapSearch(query) }, signal }),
    async locate(object, path) {
      const report = await client.get<LocationReport>("supervisor", "/location", { object, path });
      return report.location;
    },
    proxies: () => client.get<ProxyStatus[]>("control-plane", "/proxies"),
    uninjected: () => client.get<UninjectedPods[]>("control-plane", "/uninjected"),
    issuerKeys: () => client.get<IssuerKeysReport[]>("control-plane", "/issuer-keys"),
    pushes: (limit) => client.get<PushReport[]>("control-plane", "/pushes", { limit: String(limit) }),
    traffic: async (windowMs) => [
      await client.get<TrafficWindowReport>("control-plane", "/traffic", { window: String(windowMs) }),
    ],
    logScopes: () => client.get<LogScopeReport[]>("control-plane", "/scopej"),
    async setLogLevel(scope, level) {
      await client.put("control-plane", `/scopej/${encodeURIComponent(scope)}`, { output_level: level });
    },
    programmed: (stored) => programmed(client, stored),
    controlPlanes: () => controlPlanes(client),
    close: () => undefined,
  };
}

function logLines(client: MeshClient, { namespace, name }: PodName, query: LogQuery): AsyncIterable<LogLine> {
  const { container, isFollowing, signal, sinceMs, tailCount } = query;
  return client.lines<LogLine>("supervisor", "/logs", {
    query: {
      namespace,
      pod: name,
      container,
      tail: tailCount?.toString(),
      since: sinceMs?.toString(),
      follow: isFollowing ? "true" : undefined,
    },
    signal,
  });
}

async function execute(
  client: MeshClient,
  { namespace, name }: PodName,
  { command, container, isTty, env, terminal }: CommandRequest & Pick<CommandContext, "env" | "terminal">,
): Promise<number> {
  const answer = await client.post<ExecAnswer>("supervisor", "/exec", {
    namespace,
    pod: name,
    ...(container === undefined ? {} : { container }),
    ...(isTty && { terminal: env.TERM || "xterm" }),
    command,
  });
  if (isTty && !answer.hasTerminal) terminal.writeError(NO_TERMINAL);
  return runOnTerminal(answer);
}

const NO_TERMINAL =
  "The command gets no terminal: this machine lacks `script` of util-linux (Debian: bsdutils, Fedora: util-linux-script)\n";

async function programmed(client: MeshClient, stored: KubernetesObject) {
  const { kind, metadata } = stored;
  const object = objectKey({ kind, namespace: metadata.namespace ?? "", name: metadata.name });
  const { inForce, ...report } = await client.get<ProgrammedReport>("control-plane", "/programmed", {
    object,
  });
  return { ...report, isInForce: isDeepStrictEqual(stored, inForce) };
}

async function controlPlanes(client: MeshClient): Promise<readonly VersionReport[]> {
  try {
    return [await client.get<VersionReport>("control-plane", "/version")];
  } catch (error) {
    if (error instanceof CommandFailure && error.exitCode === exitCodes.unreachable) return [];
    throw error;
  }
}
