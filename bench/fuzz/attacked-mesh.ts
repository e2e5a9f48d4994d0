// The made-up mesh of the fuzz: small, so that its servers have nothing else to do.

import type { MeshSize } from "../xds/mesh-size.ts";

export const attackedMesh: MeshSize = {
  serviceCount: 40,
  endpointCount: 2,
  proxyCount: 4,
  namespaceCount: 4,
};
