// One program to be run in a pod's network namespace, as data, and what came of it.

export interface CaptureCommand {
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]];
  /** Standard input. */
  readonly input: string;
}

export interface CommandOutcome {
  /** 0 is success; a program that isn't there has 127. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program in the namespace meant; never rejects because of what the program answers. */
export type RunCommand = (command: CaptureCommand) => Promise<CommandOutcome>;
