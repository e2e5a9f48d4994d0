// Issue 3, items 2 and 6: traffic follows the file as it is edited, with root and without.

import { startMesh } from "./running-mesh.ts";
import { proveTrafficShifting } from "./traffic-shifting-proofs.ts";

proveTrafficShifting(startMesh);
