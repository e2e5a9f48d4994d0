// The security tasks' YAML holds together, and the guides have a line for every step.

import { readdirSync } from "node:fs";
import { declareManifestTests } from "../manifest-tests.ts";

const here = new URL(".", import.meta.url);
const guides = new URL("../../docs/guides/security/", import.meta.url);
declareManifestTests({
  name: "security tasks",
  here,
  guides: [...readdirSync(guides), "../access-logs.md", "../traces.md"].map((page) => new URL(page, guides)),
});
