// What goes over the mesh's bridge, as tcpdump sees it from the mesh's own network namespace.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, readlink, rm } from "node:fs/promises";
import type { RunningMesh } from "./running-mesh.ts";

export interface WireCapture {
  /** So far. */
  packets(): Promise<Buffer>;
  /** Ends the capture; all packets, as bytes. */
  stop(): Promise<Buffer>;
}

/** `file` is where the packets are kept meanwhile. Resolves when packets are being caught. */
export async function captureWire(mesh: RunningMesh, file: string): Promise<WireCapture> {
  const pid = await namespacePid(mesh);
  // Whole packets of up to 8 KB, and room for thousands: by default few fit, and a busy machine loses some.
  const size = ["--snapshot-length=8192", "--buffer-size=32768"];
  const tcpdump = [
    "tcpdump",
    "-i",
    "any",
    "-U",
    "--immediate-mode",
    ...size,
    "-Z",
    "root",
    "-w",
    file,
    "tcp",
  ];
  const child = spawn("nsenter", [`--target=${pid}`, "--net", "--", ...tcpdump], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(child, "exit");
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  let text = "";
  await new Promise<void>((resolve, reject) => {
    child.stderr.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8");
      if (text.includes("listening on")) resolve();
    });
    child.once("exit", () => reject(new Error(`tcpdump has ended: ${text}`)));
    child.once("error", reject);
  });
  return {
    packets: () => readFile(file),
    async stop() {
      child.kill("SIGINT");
      await ended;
      process.off("exit", kill);
      const packets = await readFile(file);
      await rm(file, { force: true });
      return packets;
    },
  };
}

/** A process of the machine's in the mesh's network namespace: the front's child that made it. */
async function namespacePid(mesh: RunningMesh): Promise<string> {
  const frontPid = await mesh.frontPid();
  const own = await readlink("/proc/self/ns/net");
  const children = await readFile(`/proc/${frontPid}/task/${frontPid}/children`, "utf8");
  for (const pid of children.trim().split(" ")) {
    const isUnshare = (await readFile(`/proc/${pid}/comm`, "utf8")).trim() === "unshare";
    if (isUnshare && (await readlink(`/proc/${pid}/ns/net`)) !== own) return pid;
  }
  throw new Error(`Process ${frontPid} has no child in namespaces of its own`);
}
