// `meltemi demo`: the bookshop, started as `meltemi up` would, with what to try next.

import { existsSync } from "node:fs";
import type { CommandContext, CommandInput } from "./command.ts";
import { flagOption } from "./command.ts";
import type { ExitCode } from "./exit-code.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import { meshOptions, runMesh } from "./up.ts";

const nextSteps = `
Open the address above, or in another terminal (export PATH="$PWD/bin:$PATH" in the clone makes \`meltemi\` a command):
  meltemi get pods -o wide                       every pod, and what its Envoy costs
  meltemi proxy-status                           which Envoys are in step
  meltemi proxy-config route storefront          what the web page's Envoy was told
  meltemi logs reviews-v1 -f                     what a service prints
  examples/bookshop/task canary-90-10            one request of ten to a new version, live
More tasks: examples/bookshop/README.md

`;

export async function run(context: CommandContext, input: CommandInput): Promise<ExitCode> {
  const { exampleDirectory } = context.operations;
  if (!existsSync(exampleDirectory)) {
    throw new CommandFailure(
      exitCodes.environment,
      `Cannot find the example: there is no ${exampleDirectory}`,
    );
  }
  const options = meshOptions(context, input, [exampleDirectory]);
  return runMesh(context, options, { isOnce: flagOption(input, "once"), afterReady: nextSteps });
}
