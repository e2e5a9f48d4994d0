// The Envoy release that is pinned, for scripts that can't import TypeScript: src/agent/envoy-release.json.

import { readFileSync } from "node:fs";

export function readRelease() {
  return JSON.parse(readFileSync(new URL("../src/agent/envoy-release.json", import.meta.url), "utf8"));
}
