// `npm run test:kubernetes`: the suite that needs a real cluster, by itself. Arguments are test files, for running some only;
// `--cluster` alone keeps a cluster up until Ctrl-C. Its last line is `N passed, N failed, N skipped`.

import { join, relative } from "node:path";
import { keepCluster, runKubernetesSuite } from "./kubernetes-suite.mjs";
import { SetUpError } from "./set-up-error.mjs";

const root = join(import.meta.dirname, "..");
const args = process.argv.slice(2);
const interrupt = new AbortController();
for (const name of ["SIGINT", "SIGTERM"]) process.once(name, () => interrupt.abort());

try {
  await main(interrupt.signal);
} catch (error) {
  if (!(error instanceof SetUpError)) throw error;
  console.error(error.message);
  process.exit(3);
}

async function main(signal) {
  if (args.includes("--cluster")) return await keepCluster(signal);
  const files = args.map((arg) => relative(root, join(process.cwd(), arg)));
  const counts = await runKubernetesSuite({ signal, ...(files.length > 0 && { files }) });
  if (signal.aborted) process.exit(130);
  for (const { name, reason } of counts.skipped) console.log(`skipped: ${name} (${reason})`);
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped.length} skipped`);
  process.exitCode = counts.failed > 0 ? 1 : 0;
}
