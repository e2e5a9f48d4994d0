// Puts a pod's interception in force as its istio-init container would, without running that container.

import { parseCaptureArgs } from "../../capture/capture-args.ts";
import { renderIptablesRestore } from "../../capture/render-iptables-restore.ts";
import { buildRules } from "../../capture/rules.ts";
import { formatProblem } from "../../core/problem.ts";
import type { Container } from "../../kinds/pod/container.ts";
import type { ClusterDns } from "../dns/cluster-dns.ts";
import type { PodSandbox } from "../sandbox/pod-sandbox.ts";

// The rules know answers to captured queries by it.
const PROXY_USER = { uid: 1337, gid: 1337 };

export interface CaptureContext {
  /** The nameserver in the pod's resolv.conf. */
  readonly resolverIp: string;
  readonly dns: Pick<ClusterDns, "serveCaptured">;
}

/** Throws where the arguments can't be read. */
export async function capturePod(
  sandbox: PodSandbox,
  initContainer: Container,
  { resolverIp, dns }: CaptureContext,
): Promise<void> {
  const env = Object.fromEntries((initContainer.env ?? []).map(({ name, value = "" }) => [name, value]));
  const resolvers = { ipv4: [resolverIp], ipv6: [] };
  const parsed = parseCaptureArgs(initContainer.args ?? [], { env, resolvers });
  if (parsed.kind === "invalid") throw new Error(parsed.problems.map(formatProblem).join("; "));
  // Before the rules that lead queries there.
  if (parsed.settings.dns.kind !== "off") await answerDns(sandbox, { port: parsed.settings.dnsPort, dns });
  const rules = buildRules(parsed.settings);
  await sandbox.restore({
    ipv4: renderIptablesRestore(rules, "ipv4"),
    ...(parsed.settings.ipv6 ? { ipv6: renderIptablesRestore(rules, "ipv6") } : {}),
  });
}

/** As Istio's agent would, on the pod's own loopback; ends with the pod. */
async function answerDns(
  sandbox: PodSandbox,
  { port, dns }: { readonly port: number; readonly dns: CaptureContext["dns"] },
): Promise<void> {
  const address = "127.0.0.1";
  const requests = [
    { kind: "udp", address, port },
    { kind: "tcp", address, port },
  ] as const;
  const [udp, tcp] = await sandbox.openSockets(requests, PROXY_USER);
  if (udp?.kind !== "udp" || tcp?.kind !== "tcp")
    throw new Error("The pod's DNS sockets came in another order");
  const end = dns.serveCaptured({ udp: udp.socket, tcp: tcp.server });
  void sandbox.ended.then(end);
}
