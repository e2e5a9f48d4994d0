// A mesh's namespaces for a test, with the supervisor's stand-in in it. Cleans up when the test ends.

import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../src/core/clock.ts";
import type { Egress } from "../../src/local/front/egress.ts";
import { attachEgress } from "../../src/local/front/egress.ts";
import type { SupervisorProcess } from "../../src/local/front/launch-supervisor.ts";
import { launchSupervisor } from "../../src/local/front/launch-supervisor.ts";
import type { MeshPrivilege } from "../../src/local/front/machine-ability.ts";
import { ipv4Range } from "../../src/local/network/ipv4-range.ts";
import type { MeshCalls } from "./sandbox-supervisor.ts";

export const podCidr = "10.244.0.0/16";
export const serviceCidr = "10.96.0.0/16";

/** Why tests that need namespaces can't run here, for `skip`; false where they can. */
export const skipWithoutRoot = process.geteuid?.() === 0 ? false : "needs root";

/** As above, for tests of the way out. */
export const skipWithoutTun = existsSync("/dev/net/tun") ? false : "needs /dev/net/tun";

export interface MeshUnderTest {
  readonly supervisor: SupervisorProcess;
  readonly stateDirectory: string;
  readonly egress: Egress | undefined;
  call<Call extends keyof MeshCalls>(
    call: Call,
    ...argument: Parameters<MeshCalls[Call]>
  ): Promise<ReturnType<MeshCalls[Call]>>;
}

export interface MeshOptions {
  readonly privilege?: MeshPrivilege;
  readonly stateDirectory?: string;
  readonly withEgress?: boolean;
}

/** Makes namespaces and network; both are gone, and checked to be, when the test ends. */
export async function startMesh(test: TestContext, options: MeshOptions = {}): Promise<MeshUnderTest> {
  const stateDirectory = options.stateDirectory ?? makeStateDirectory(test);
  const supervisor = await launchSupervisor({
    privilege: options.privilege ?? "root",
    stateDirectory,
    argv: supervisorCommand(),
  });
  test.after(() => supervisor.close({ graceMs: 5_000 }));
  const avoid = [ipv4Range(podCidr), ipv4Range(serviceCidr)];
  const egress =
    options.withEgress === true ? await attachEgress(supervisor.namespacesPid, { avoid }) : undefined;
  if (egress !== undefined) test.after(() => egress.close());
  const mesh: MeshUnderTest = {
    supervisor,
    stateDirectory,
    egress,
    call: (call, ...[argument]) => askSupervisor(supervisor, call, argument),
  };
  const addresses = egress === undefined ? {} : { egress: egress.addresses };
  await mesh.call("network", { stateDirectory, podCidr, serviceCidr, ...addresses });
  return mesh;
}

export function makeStateDirectory(test: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), `meltemi-test-${process.pid}-`));
  test.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export function supervisorCommand(): readonly [string, ...string[]] {
  const program = fileURLToPath(new URL("sandbox-supervisor.ts", import.meta.url));
  return [process.execPath, "--import", "tsx", program];
}

export function askSupervisor<Result>(
  supervisor: SupervisorProcess,
  call: string,
  argument: unknown,
): Promise<Result> {
  return askOver(supervisor.channel, { call, argument, ended: supervisor.exited });
}

const CALL_DEADLINE_MS = 30_000;

/** Sends a call over a process's IPC channel, and waits for its result. */
export function askOver<Result>(
  channel: ChildProcess,
  { call, argument, ended }: { call: string; argument: unknown; ended: Promise<unknown> },
): Promise<Result> {
  const id = randomUUID();
  return new Promise((resolve, reject) => {
    const listener = (message: unknown): void => {
      const reply = message as { id?: string; failure?: string; result?: Result };
      if (reply.id !== id) return;
      channel.off("message", listener);
      if (reply.failure !== undefined) reject(new Error(reply.failure));
      else resolve(reply.result as Result);
    };
    channel.setMaxListeners(0);
    channel.on("message", listener);
    systemClock.after(CALL_DEADLINE_MS, () => reject(new Error(`No answer to ${call}`)));
    void ended.then(() => reject(new Error(`The process ended during ${call}`)));
    channel.send({ id, call, argument });
  });
}
