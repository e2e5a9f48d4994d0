// Issue 3, items 2 and 6: traffic follows the file as it is edited, with root and without.

import { describe } from "node:test";
import { startMeshAsUser } from "../lifecycle/mesh-on-machine.ts";
import { skipWithoutMesh as skip, type startMesh as startOnMachine } from "./running-mesh.ts";
import { proveTrafficShifting } from "./traffic-shifting-proofs.ts";

/** Declares the tests of weights and live edits. `startMesh` says where. */
export function proveTrafficShifting(startMesh: typeof startOnMachine): void {
  describe("traffic shifting in a mesh of root", { skip }, () => proveTrafficShifting(startMesh));
  describe("traffic shifting in a mesh of an ordinary user", { skip }, () =>
    proveTrafficShifting(startMeshAsUser),
  );
}
