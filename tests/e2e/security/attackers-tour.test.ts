// An attacker's tour of a mesh: each attack is refused and leaves a line that names what happened, and beside each is
// what differs from it in one thing and is let in.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { skipWithoutMesh as skip } from "../mesh/running-mesh.ts";
import { proveAddresses } from "./tour/addresses.ts";
import { proveCertificates } from "./tour/certificates.ts";
import { proveForgeries } from "./tour/forgeries.ts";
import { provePseudoHeaders } from "./tour/pseudo-headers.ts";
import { proveSpellings } from "./tour/spellings.ts";
import { createTokenForge, proveTokens, type TokenForge } from "./tour/tokens.ts";
import { startTour, type Tour, untilAllLogged } from "./tour/tour-mesh.ts";

let tour: Tour;
let forge: TokenForge;

before(
  async () => {
    if (skip !== false) return;
    forge = await createTokenForge();
    tour = await startTour(forge.jwks);
  },
  { timeout: 120_000 },
);
after(() => tour?.mesh.close());

const tourOf = () => tour;
describe("tokens", () => proveTokens(tourOf, () => forge, skip));
describe("certificates", () => proveCertificates(tourOf, skip));
describe("spellings", () => proveSpellings(tourOf, skip));
describe("pseudo-headers", () => provePseudoHeaders(tourOf, skip));
describe("forgeries", () => proveForgeries(tourOf, () => forge, skip));
describe("addresses", () => proveAddresses(tourOf, skip));
test("every refusal has left its line in an access log", { skip }, async () => {
  assert.ok(tour.wanted.length > 60, `${tour.wanted.length} lines are looked for`);
  await untilAllLogged(tour);
});
