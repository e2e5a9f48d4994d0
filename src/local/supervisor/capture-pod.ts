// Puts a pod's interception in force as its istio-init container would, without running that container.

import { parseCaptureArgs } from "../../capture/capture-args.ts";
import { renderIptablesRestore } from "../../capture/render-iptables-restore.ts";
import { buildRules } from "../../capture/rules.ts";
import { formatProblem } from "../../core/problem.ts";
import type { Container } from "../../kinds/pod/container.ts";
import type { PodSandbox } from "../sandbox/pod-sandbox.ts";

/** `resolverIp` is the nameserver in the pod's resolv.conf. Throws where the arguments can't be read. */
export async function capturePod(
  sandbox: PodSandbox,
  initContainer: Container,
  resolverIp: string,
): Promise<void> {
  const env = Object.fromEntries((initContainer.env ?? []).map(({ name, value = "" }) => [name, value]));
  const resolvers = { ipv4: [resolverIp], ipv6: [] };
  const parsed = parseCaptureArgs(initContainer.args ?? [], { env, resolvers });
  if (parsed.kind === "invalid") throw new Error(parsed.problems.map(formatProblem).join("; "));
  const rules = buildRules(parsed.settings);
  await sandbox.restore({
    ipv4: renderIptablesRestore(rules, "ipv4"),
    ...(parsed.settings.ipv6 ? { ipv6: renderIptablesRestore(rules, "ipv6") } : {}),
  });
}
