// Issue 3, items 1 and 6: mTLS between workloads, with root and without.

import { describe } from "node:test";
import { startMeshAsUser } from "../lifecycle/mesh-on-machine.ts";
import { proveMutualTls } from "./mutual-tls-proofs.ts";
import { skipWithoutMesh as skip, startMesh } from "./running-mesh.ts";

describe("mTLS in a mesh of root", { skip }, () => proveMutualTls(startMesh));
describe("mTLS in a mesh of an ordinary user", { skip }, () => proveMutualTls(startMeshAsUser));
