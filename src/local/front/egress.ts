// The mesh's way out: slirp4netns on the machine's side, which answers for the outside in user mode. It ends
// with the front, and makes no interface, route or rule on the machine.

import { spawn } from "node:child_process";
import { readlinkSync } from "node:fs";
import type { Readable } from "node:stream";
import { addressAt, type Ipv4Range, ipv4Range, rangesOverlap } from "../network/ipv4-range.ts";
import { toolEnvironment } from "../network/run-tool.ts";

/** What pods must know of the way out; plain data, so that it can be sent to the supervisor. */
export interface EgressAddresses {
  /** The interface in the mesh's namespace. */
  readonly interfaceName: string;
  /** Reaches the machine's own loopback: what `host.meltemi.internal` stands for. */
  readonly machineAddress: string;
  /** Answers DNS as the machine's own resolver does. */
  readonly resolverAddress: string;
}

export interface Egress {
  readonly addresses: EgressAddresses;
  /** Resolves when slirp4netns ends, with its last words; pods have no way out from then on. */
  readonly ended: Promise<string>;
  close(): void;
}

const candidateRanges = ["10.0.2.0/24", "192.168.127.0/24", "172.31.254.0/24", "10.213.76.0/24"] as const;

/** Attaches user-mode networking to the namespaces of `namespacesPid`; rejects with slirp4netns' words where it fails. */
export async function attachEgress(
  namespacesPid: number,
  { avoid }: { readonly avoid: readonly Ipv4Range[] },
): Promise<Egress> {
  assertOtherNamespace(namespacesPid);
  const range = chooseRange(avoid);
  const interfaceName = "egress0";
  const flags = ["--configure", "--mtu=65520", `--cidr=${range.cidr}`, "--ready-fd=3", "--exit-fd=4"];
  const child = spawn("slirp4netns", [...flags, String(namespacesPid), interfaceName], {
    stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"],
    env: toolEnvironment(),
    detached: true,
  });
  let words = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    words = (words + chunk.toString("utf8")).slice(-2_000);
  });
  const ended = new Promise<string>((resolve) => {
    child.once("error", (cause) => resolve(cause.message));
    child.once("exit", () => resolve(words.trim()));
  });
  const [readySocket, exitSocket] = [child.stdio[3] as Readable, child.stdio[4] as Readable];
  for (const socket of [readySocket, exitSocket]) socket.on("error", () => undefined);
  const ready = new Promise<"ready">((resolve) => readySocket.once("data", () => resolve("ready")));
  const outcome = await Promise.race([ready, ended]);
  if (outcome !== "ready") throw new Error(`slirp4netns failed: ${outcome}`);
  return {
    addresses: {
      interfaceName,
      machineAddress: addressAt(range, 2),
      resolverAddress: addressAt(range, 3),
    },
    ended,
    close: () => {
      exitSocket.destroy();
      child.kill("SIGTERM");
    },
  };
}

// Given a process that is still in the machine's namespace, slirp4netns would configure the machine itself.
function assertOtherNamespace(pid: number): void {
  const [theirs, ours] = [`/proc/${pid}/ns/net`, "/proc/self/ns/net"].map((path) => readlinkSync(path));
  if (theirs === ours) throw new Error(`Process ${pid} is in the machine's own network namespace`);
}

function chooseRange(avoid: readonly Ipv4Range[]): Ipv4Range {
  const free = candidateRanges
    .map(ipv4Range)
    .find((range) => !avoid.some((other) => rangesOverlap(range, other)));
  if (free === undefined) throw new Error("Every range for the way out overlaps the pods' or the services'");
  return free;
}
