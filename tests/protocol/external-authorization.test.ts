// Each option of an external provider of authorization, by what a real Envoy does: what the provider is told, what the server and
// the caller are told by it, and what becomes of a request when it can't be asked.

import assert from "node:assert/strict";
import type { IncomingHttpHeaders } from "node:http";
import { describe, test } from "node:test";
import { startAskingEnvoy, type Told } from "./authorization/asking-envoy.ts";
import { providerCases } from "./authorization/provider-cases.ts";
import { findEnvoy } from "./envoy-process.ts";

const skip = findEnvoy() === undefined ? "no Envoy" : false;

describe("external authorization", { skip }, () => {
  test("every option does what it says", async (t) => {
    const asked: Told[] = [];
    const served: Told[] = [];
    const ask = await startAskingEnvoy(
      t,
      providerCases.map(({ provider }) => provider),
      { asked, served },
    );
    for (const [index, { name, provider, path, body, wanted }] of providerCases.entries()) {
      await t.test(`${name} (${provider.kind})`, async () => {
        asked.length = 0;
        served.length = 0;
        const answer = await ask(index, { path, body });
        assert.equal(answer.status, wanted.status);
        assertHas("the answer", answer.headers, wanted.headers);
        assertHas("the provider's request", asked[0], wanted.asked);
        assertHas("the server's request", served[0], wanted.served);
        assert.equal(served.length, wanted.status === 200 ? 1 : 0);
      });
    }
  });
});

function assertHas(what: string, found: Told | IncomingHttpHeaders | undefined, wanted: Told = {}): void {
  for (const [name, value] of Object.entries(wanted))
    assert.equal(found?.[name], value, `${name} of ${what}`);
}
