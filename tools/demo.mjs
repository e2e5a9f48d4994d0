// `npm run demo`: set-up, then `meltemi demo` in this very process, so that Ctrl-C and the exit code are its own.

import { setUpOrExit } from "./setup.mjs";

await setUpOrExit("demo");
process.argv.splice(2, 0, "demo");
await import("../bin/meltemi.mjs");
