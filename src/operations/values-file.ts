// Reads a file of a chart's values for the installer. Of what is wrong in it all is said at once, with its place.

import { CommandFailure, exitCodes } from "../cli/exit-code.ts";
import { locate } from "../core/positions.ts";
import { formatProblem, type Problem, problem } from "../core/problem.ts";
import { type ChartValues, checkChartValues, type ValuesOf } from "../install/chart-values.ts";
import { isError } from "../kinds/parse-object.ts";

/** Throws a CommandFailure for a file that can't be read, or holds what isn't a value. */
export async function readValuesFile<V extends ChartValues>(
  file: string,
  declared: V,
): Promise<Partial<ValuesOf<V>>> {
  const { readManifestFile } = await import("../sources/files/manifest-files.ts");
  const { parseYaml } = await import("../sources/files/yaml-documents.ts");
  const text = await readManifestFile(file);
  if (typeof text !== "string") throw failureOf([text]);
  const { documents, problems } = parseYaml(file, text);
  const [document, second] = documents;
  const root = document?.root ?? [1, 1];
  const { findings, values } = checkChartValues(declared, document?.value);
  const found = findings
    .filter(isError)
    .map(({ code = "MLT1005", path, ...rest }) =>
      problem(code, { ...rest, path, location: locate({ file, root }, path) }),
    );
  if (second !== undefined) {
    const location = locate({ file, root: second.root }, "");
    found.push(problem("MLT1005", { location, message: "found a second document, wanted one" }));
  }
  const errors = [...problems.filter(({ severity }) => severity === "error"), ...found];
  if (errors.length > 0) throw failureOf(errors);
  return values;
}

function failureOf(problems: readonly Problem[]): CommandFailure {
  return new CommandFailure(exitCodes.usage, problems.map(formatProblem).join("\n"));
}
