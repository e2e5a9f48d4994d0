// What a request gets that the supervisor couldn't answer, in words that say what to do. A fault of the file system is the
// machine's and no mistake of ours.

import { describeFileFault } from "../../core/file-fault.ts";

export interface AdminFailure {
  readonly status: 500 | 507;
  readonly answer: { readonly error: string; readonly hint?: string };
}

const NO_SPACE: ReadonlySet<string | undefined> = new Set(["ENOSPC", "EDQUOT"]);

export function adminFailure(error: unknown): AdminFailure {
  const fault = describeFileFault(error);
  if (fault === undefined)
    return { status: 500, answer: { error: error instanceof Error ? error.message : String(error) } };
  const message = `The mesh can't do this: ${fault}`;
  if (!NO_SPACE.has((error as NodeJS.ErrnoException).code))
    return { status: 500, answer: { error: message } };
  const hint = "free some space there and try again; pods that run go on";
  return { status: 507, answer: { error: message, hint } };
}
