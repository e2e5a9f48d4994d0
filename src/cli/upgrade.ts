// `meltemi upgrade`: brings an installation to this program's version, and refuses where there is none.

import type { CommandContext, CommandInput } from "./command.ts";
import type { ExitCode } from "./exit-code.ts";
import { applyAndTell } from "./install.ts";

export function run(context: CommandContext, input: CommandInput): Promise<ExitCode> {
  return applyAndTell(context, input, { isUpgrade: true });
}
