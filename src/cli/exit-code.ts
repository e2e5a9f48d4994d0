// The exit codes of `meltemi`, and the failure that carries one to the place where the process ends.

export const exitCodes = {
  done: 0,
  /** The answer is no: problems were found, a workload doesn't exist. */
  no: 1,
  /** Used wrongly: an unknown flag, a missing argument. */
  usage: 2,
  /** The environment lacks something: a tool, a permission, an Envoy. */
  environment: 3,
  /** No mesh answers. */
  unreachable: 4,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** What stands in the way of a command, told to a person: one sentence and perhaps what to do. Never a defect of ours. */
export class CommandFailure extends Error {
  readonly exitCode: ExitCode;
  readonly hint: string | undefined;

  constructor(exitCode: ExitCode, message: string, hint?: string) {
    super(message);
    this.name = "CommandFailure";
    this.exitCode = exitCode;
    this.hint = hint;
  }
}
