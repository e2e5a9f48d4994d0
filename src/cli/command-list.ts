// Every command of `meltemi`: names, arguments, flags and examples. Help, completion and the reference are
// made of this; a command's code is loaded when it is run.

import type { CommandDeclaration } from "./command.ts";
import { insightCommands } from "./insight-commands.ts";
import { installCommands } from "./install-commands.ts";
import { meshOptions, outputOption } from "./option-list.ts";
import { runCommands } from "./run-commands.ts";
import { trafficCommands } from "./traffic-commands.ts";

export const commandList: readonly CommandDeclaration[] = [
  ...runCommands,
  ...trafficCommands,
  ...insightCommands,
  ...installCommands,
  {
    name: "envoy",
    summary: "show which Envoy is run, and where it was found",
    options: [outputOption],
    examples: [{ line: "meltemi envoy", does: "MELTEMI_ENVOY, PATH, cache, or fetched" }],
    load: () => import("./envoy.ts"),
  },
  {
    name: "version",
    summary: "show the versions of this program and of the mesh's control plane",
    options: [outputOption, ...meshOptions],
    examples: [{ line: "meltemi version -o json", does: "for scripts" }],
    load: () => import("./version.ts"),
  },
  {
    name: "completion",
    summary: "print a completion script for a shell",
    arguments: [{ name: "<shell>", summary: "bash, zsh or fish" }],
    examples: [{ line: "source <(meltemi completion bash)", does: "for this shell" }],
    load: () => import("./completion.ts"),
  },
];
