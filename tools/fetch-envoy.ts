// Makes sure that there is an Envoy to run, for set-up: `node --import tsx tools/fetch-envoy.ts`.
// Prints progress; exits with 3 (the environment lacks something) and one sentence when there is none.

import { findEnvoy } from "../src/agent/envoy-binary.ts";
import { formatProblem } from "../src/core/problem.ts";

const result = await findEnvoy({ env: process.env, onProgress: (sentence) => console.log(sentence) });
if ("problem" in result) {
  console.error(formatProblem(result.problem));
  process.exit(3);
}
console.log(`Envoy ${result.envoy.version}: ${result.envoy.path} (${result.envoy.source})`);
