// Issue 3, items 2 and 6: traffic follows the file as it is edited, with root and without.

import { describe } from "node:test";
import { startMeshAsUser } from "../lifecycle/mesh-on-machine.ts";
import { skipWithoutMesh as skip, startMesh } from "./running-mesh.ts";
import { proveTrafficShifting } from "./traffic-shifting-proofs.ts";

describe("traffic shifting in a mesh of root", { skip }, () => proveTrafficShifting(startMesh));
describe("traffic shifting in a mesh of an ordinary user", { skip }, () =>
  proveTrafficShifting(startMeshAsUser),
);
