// A pod's network namespace with one machine outside of it, for tests of interception by real traffic. Needs root; both
// namespaces end with the call.

import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { CaptureCommand } from "../../../src/capture/capture-command.ts";

export interface Dial {
  readonly from: "pod" | "peer";
  /** Of the caller, in the pod. Default 1000, an app; 1337 is the proxy. */
  readonly uid?: number;
  /** `host:port`; the pod is 10.9.0.1 and fd09::1, the machine outside 10.9.0.2 and fd09::2. */
  readonly to: string;
}

export interface PodDials {
  readonly commands: readonly CaptureCommand[];
  readonly dials: readonly Dial[];
  /** Stands in the proxy's place on 15006. */
  readonly envoy?: { readonly path: string; readonly bootstrap: string };
}

const missing = ["unshare", "nsenter", "ip", "ss"].filter(
  (program) => spawnSync("which", [program]).status !== 0,
);

export const namespaceSkip: string | false =
  process.getuid?.() !== 0 ? "needs root" : missing.length > 0 ? `needs ${missing.join(", ")}` : false;

/** Where each call arrived: `pod:15001`, `peer:80`, an error's code, or `no answer`. */
export async function dialInPod({ commands, dials, envoy }: PodDials): Promise<readonly string[]> {
  const script = `
    set -e
    unshare --net sleep 60 >/dev/null 2>&1 & peer=$!
    trap "kill $peer" EXIT
    until [ "$(readlink /proc/$peer/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do :; done
    ip link set lo up
    ip link add eth0 type veth peer name eth0 netns $peer
    ip addr add 10.9.0.1/24 dev eth0; ip addr add fd09::1/64 dev eth0 nodad; ip link set eth0 up
    in_peer="nsenter -t $peer -n"
    $in_peer ip addr add 10.9.0.2/24 dev eth0; $in_peer ip addr add fd09::2/64 dev eth0 nodad
    $in_peer ip link set eth0 up; $in_peer ip link set lo up
    "$0" "$1" "$(printf '%s' "$2" | sed "s/PEER_PID/$peer/")"`;
  const program = fileURLToPath(new URL("pod-dials.mjs", import.meta.url));
  const request = JSON.stringify({ peerPid: "PEER_PID", commands, dials, envoy });
  const args = ["--net", "bash", "-c", script, process.execPath, program, request];
  const child = spawn("unshare", args, { stdio: ["ignore", "pipe", "pipe"], timeout: 60_000 });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].on("data", (data: Buffer) => {
      output[name] += data.toString();
    });
  }
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`the pod ended with ${code}: ${output.stderr}`);
  return JSON.parse(output.stdout) as readonly string[];
}
