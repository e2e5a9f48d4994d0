// Runs inside a test process: loads the test files named as arguments, one after the other, and lets
// node:test run them. A file that can't be loaded becomes a failed test; the others still run.

import { resolve } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { sendTestEvent } from "./test-reporter.mjs";

// Asked by the parent before it ends a process that hangs.
process.on("SIGUSR2", () =>
  sendTestEvent({ type: "resources", resources: process.getActiveResourcesInfo() }),
);

for (const file of process.argv.slice(2)) {
  try {
    await import(pathToFileURL(resolve(file)).href);
  } catch (error) {
    test(`${file} loads`, () => {
      throw error;
    });
  }
}
