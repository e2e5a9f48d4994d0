// What the control plane costs as it is installed in a cluster: a real API server on loopback, the shipped bundle, object
// status on, sidecars of this process. Prints JSON. Run: npm run bench -- installed --services 1000 --endpoints 10 --proxies 100

import { spawnSync } from "node:child_process";
import { whyNoApiServer } from "../../tests/kubernetes/cluster/cached-programs.ts";
import { parseBenchSettings, usageOf } from "../xds/mesh-size.ts";
import { measureInstalled } from "./measure-installed.ts";

const missing = whyNoApiServer();
if (missing !== false) {
  process.stderr.write(`The benchmark ${missing}\n`);
  process.exit(3);
}
const settings = parseBenchSettings(process.argv.slice(2));
if (typeof settings === "string") {
  process.stderr.write(`${settings}\n${usageOf("installed")}\n`);
  process.exit(2);
}
spawnSync(process.execPath, ["tools/build.mjs"], { stdio: "inherit" });
process.stdout.write(`${JSON.stringify(await measureInstalled(settings), undefined, 2)}\n`);
