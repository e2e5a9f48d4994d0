// What a mesh costs its control plane: CPU, memory and bytes to bring sidecars in step, and for one change.
// Prints JSON. Run: npm run bench -- xds --services 1000 --endpoints 10 --proxies 100

import { measureMesh } from "./measure-mesh.ts";
import { parseBenchSettings, usageOf } from "./mesh-size.ts";

const settings = parseBenchSettings(process.argv.slice(2));
if (typeof settings === "string") {
  process.stderr.write(`${settings}\n${usageOf("xds")}\n`);
  process.exit(2);
}
process.stdout.write(`${JSON.stringify(await measureMesh(settings), undefined, 2)}\n`);
