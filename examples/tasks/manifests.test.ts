// The traffic tasks' YAML holds together, and README.md has a line for every step.

import { declareManifestTests } from "../manifest-tests.ts";

const here = new URL(".", import.meta.url);
declareManifestTests({ name: "tasks", here, guides: [new URL("README.md", here)] });
