// Why a part of a local mesh can't start, as one sentence for the user. The log has the stack.

import { describeFileFault } from "../core/file-fault.ts";

/** Thrown where the sentence is known. */
export class StartFailure extends Error {
  constructor(sentence: string, options?: ErrorOptions) {
    super(sentence, options);
    this.name = "StartFailure";
  }
}

/** `what` completes nothing: "The control plane can't start". */
export function describeStartFailure(error: unknown, what: string): string {
  if (error instanceof StartFailure) return error.message;
  const reason = describeFileFault(error) ?? (error instanceof Error ? error.message : String(error));
  const [line = ""] = reason.trim().split("\n");
  return `${what}: ${line}`;
}
