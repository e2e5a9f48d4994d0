// Where the cases of Istio's behaviour lie. They aren't part of this repository, so a runner without them skips, and says so.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The folder of one suite, or undefined where there is none: `MELTEMI_CASES`, else `../shared/cases` beside the project. */
export function caseDirectory(suite: string): string | undefined {
  const beside = fileURLToPath(new URL("../../../shared/cases", import.meta.url));
  const directory = `${process.env.MELTEMI_CASES ?? beside}/${suite}`;
  return existsSync(directory) ? directory : undefined;
}

/** For the `skip` of a test that needs cases. */
export function skipWithout(directory: string | undefined): string | false {
  return directory === undefined ? "no cases: set MELTEMI_CASES to their folder" : false;
}
