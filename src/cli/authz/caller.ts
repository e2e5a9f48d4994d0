// Who calls: `NAMESPACE/SERVICEACCOUNT`, a pod or workload, or nobody that is known.

import { type CommandInput, textOption } from "../command.ts";
import { CommandFailure, exitCodes } from "../exit-code.ts";
import { findPodObjects, hasProxy, type MeshPods, serviceAccountOf } from "./mesh-pods.ts";

export interface Caller {
  /** As sentences name it. */
  readonly text: string;
  /** Absent: it shows no certificate. */
  readonly account?: { readonly namespace: string; readonly name: string };
  /** Where its short names of hosts are looked for. */
  readonly namespace?: string;
  readonly ip?: string;
  /** Worth knowing. */
  readonly remark?: string;
}

const WORKLOAD_WORDS = /^(po|pods?|deploy|deployments?|sts|statefulsets?|ds|daemonsets?|jobs?)\//i;
const ANYBODY = "a caller without an identity";

export function readCaller(input: CommandInput, meshPods: MeshPods): Caller {
  const text = textOption(input, "as");
  const asked = textOption(input, "sourceIp");
  const address = asked === undefined ? {} : { ip: asked };
  if (text === undefined) return { text: ANYBODY, ...address };
  const isAccount = text.includes("/") && !WORKLOAD_WORDS.test(text);
  return { ...(isAccount ? accountCaller(text, meshPods) : podCaller(text, meshPods)), ...address };
}

function accountCaller(text: string, { pods }: MeshPods): Caller {
  const [namespace = "", name = "", ...rest] = text.split("/");
  if (namespace === "" || name === "" || rest.length > 0) {
    const message = `Cannot read the caller "${text}": wanted NAMESPACE/SERVICEACCOUNT, or a pod or workload`;
    throw new CommandFailure(exitCodes.usage, message);
  }
  const own = pods.filter((pod) => pod.metadata.namespace === namespace && serviceAccountOf(pod) === name);
  const [only] = own;
  const ip = own.length === 1 ? only?.status?.podIP : undefined;
  return {
    text,
    account: { namespace, name },
    namespace,
    ...(ip === undefined ? {} : { ip }),
    ...(own.length === 0 ? { remark: `no pod runs as the ServiceAccount ${text}` } : {}),
  };
}

/** One without a proxy shows no certificate. */
function podCaller(text: string, meshPods: MeshPods): Caller {
  const [pod] = findPodObjects(meshPods, text, undefined);
  if (pod === undefined) throw new CommandFailure(exitCodes.no, `No pod of "${text}" runs`);
  const { namespace } = pod.metadata;
  const ip = pod.status?.podIP;
  const place = { text, namespace, ...(ip === undefined ? {} : { ip }) };
  if (!hasProxy(pod)) return { ...place, remark: `${text} has no proxy, and so no identity to show` };
  return { ...place, account: { namespace, name: serviceAccountOf(pod) } };
}
