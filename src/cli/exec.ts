// `meltemi exec WORKLOAD -- COMMAND`: runs a command inside a pod, as the app's user, on this terminal.

import { spawn } from "node:child_process";
import type { ExecAnswer, PodReport } from "../admin/contract/supervisor.ts";
import type { CommandContext, CommandInput } from "./command.ts";
import { listArgument, textArgument, textOption } from "./command.ts";
import type { ExitCode } from "./exit-code.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import { openMesh } from "./mesh-client.ts";
import { findPod } from "./workload-argument.ts";

/** Ends with the command's own exit code. */
export async function run(context: CommandContext, input: CommandInput): Promise<ExitCode> {
  const command = listArgument(input, 1);
  if (command.length === 0) {
    const example = `meltemi exec ${textArgument(input, 0) ?? "WORKLOAD"} -- env`;
    throw new CommandFailure(
      exitCodes.usage,
      "Cannot run nothing: a command is missing",
      `such as: ${example}`,
    );
  }
  const mesh = openMesh(context.env, textOption(input, "mesh"));
  const pods = await mesh.get<PodReport[]>("supervisor", "/pods");
  const pod = findPod(pods, textArgument(input, 0) ?? "", textOption(input, "namespace"));
  const container = textOption(input, "container");
  const { argv } = await mesh.post<ExecAnswer>("supervisor", "/exec", {
    namespace: pod.namespace,
    pod: pod.name,
    ...(container === undefined ? {} : { container }),
    command,
  });
  return (await runOnTerminal(argv)) as ExitCode;
}

function runOnTerminal([program, ...args]: ExecAnswer["argv"]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: "inherit" });
    // Ctrl-C is the command's: the terminal sends it to the whole group, and this process waits for its end.
    const ignore = () => undefined;
    process.on("SIGINT", ignore);
    child.once("error", (cause) => {
      reject(new CommandFailure(exitCodes.environment, `Cannot run ${program}: ${cause.message}`));
    });
    child.once("exit", (code, signal) => {
      process.off("SIGINT", ignore);
      resolve(signal === null ? (code ?? exitCodes.no) : 128 + signalNumber(signal));
    });
  });
}

function signalNumber(signal: NodeJS.Signals): number {
  return { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }[signal as string] ?? 0;
}
