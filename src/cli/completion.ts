// `meltemi completion SHELL`: a script that completes commands, their flags and subcommands, made of the list
// of commands. Workloads aren't completed: that would need a call of the mesh at each press of Tab.

import type { CommandContext, CommandDeclaration, CommandInput } from "./command.ts";
import { shownOptions, textArgument } from "./command.ts";
import { commandList } from "./command-list.ts";
import type { ExitCode } from "./exit-code.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";

const shells = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

export async function run({ terminal }: CommandContext, input: CommandInput): Promise<ExitCode> {
  const shell = textArgument(input, 0) ?? "";
  if (!isShell(shell)) {
    throw new CommandFailure(exitCodes.usage, `Cannot complete for "${shell}": wanted bash, zsh or fish`);
  }
  terminal.write(shells[shell](commandList));
  return exitCodes.done;
}

function isShell(text: string): text is keyof typeof shells {
  return Object.hasOwn(shells, text);
}

interface CompletionPlace {
  /** `proxy-config cluster`; empty at the start. */
  readonly path: string;
  readonly words: readonly string[];
}

function placesOf(commands: readonly CommandDeclaration[], path = ""): CompletionPlace[] {
  const words = commands.map(({ name }) => name);
  const inner = commands.flatMap((command) => {
    const flags = shownOptions(command).flatMap(({ flags: text }) => text.match(/--[\w-]+/g) ?? []);
    const ownPath = path === "" ? command.name : `${path} ${command.name}`;
    const subcommands = placesOf(command.subcommands ?? [], ownPath).slice(
      0,
      command.subcommands ? undefined : 0,
    );
    const own = { path: ownPath, words: [...(command.subcommands ?? []).map(({ name }) => name), ...flags] };
    return [own, ...subcommands.filter((place) => place.path !== ownPath)];
  });
  return [{ path, words }, ...inner];
}

/** Bash and zsh have the same heart: the words typed so far choose the list. */
function caseLines(commands: readonly CommandDeclaration[]): string {
  return placesOf(commands)
    .map(({ path, words }) => `    "${path}") words="${words.join(" ")}" ;;`)
    .join("\n");
}

function bashScript(commands: readonly CommandDeclaration[]): string {
  return `# meltemi completion for bash: source <(meltemi completion bash)
_meltemi() {
  local words="" path="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == -* ]] && continue
    path="\${path:+$path }$word"
  done
  case "$path" in
${caseLines(commands)}
    *) words="" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
  [[ -z "$words" ]] && COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o filenames -F _meltemi meltemi
`;
}

function zshScript(commands: readonly CommandDeclaration[]): string {
  return `#compdef meltemi
# meltemi completion for zsh: source <(meltemi completion zsh)
_meltemi() {
  local words_line="" path_line="" word
  for word in "\${(@)words[2,CURRENT-1]}"; do
    [[ $word == -* ]] && continue
    path_line="\${path_line:+$path_line }$word"
  done
  case "$path_line" in
${caseLines(commands).replaceAll("words=", "words_line=")}
  esac
  if [[ -n "$words_line" ]]; then compadd -- \${=words_line}; else _files; fi
}
compdef _meltemi meltemi
`;
}

function fishScript(commands: readonly CommandDeclaration[]): string {
  const lines = commands.flatMap((command) => [
    `complete -c meltemi -n __fish_use_subcommand -a ${command.name} -d '${command.summary.replaceAll("'", "\\'")}'`,
    ...(command.subcommands ?? []).map(
      ({ name }) => `complete -c meltemi -n '__fish_seen_subcommand_from ${command.name}' -a ${name}`,
    ),
    ...[command, ...(command.subcommands ?? [])].flatMap(({ options = [] }) =>
      options.flatMap(({ flags }) =>
        (flags.match(/--([\w-]+)/g) ?? []).map(
          (flag) =>
            `complete -c meltemi -n '__fish_seen_subcommand_from ${command.name}' -l ${flag.slice(2)}`,
        ),
      ),
    ),
  ]);
  return `# meltemi completion for fish: meltemi completion fish | source\n${[...new Set(lines)].join("\n")}\n`;
}
