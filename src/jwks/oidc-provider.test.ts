// The keys of a real OpenID Connect provider: found by discovery, kept while it is away, taken over when they change.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from "jose";
import { startOidcProvider } from "../../tests/support/oidc-provider-fixture.ts";
import { parseCidr } from "../core/cidr.ts";
import { ManualClock, systemClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import { fetchKeys } from "./fetch-keys.ts";
import { startKeyKeeper } from "./key-keeper.ts";
import type { KeyRecord, KeyRecords } from "./key-record.ts";

const LOOPBACK = parseCidr("127.0.0.1") ?? assert.fail();
const MINUTE = 60_000;

test("keys of a provider that stops, starts again and rotates them", async (t) => {
  const provider = await startOidcProvider(t);
  const keeper = keep(t, `discovery ${provider.issuer}`);
  const found = await keeper.until(({ jwks }) => jwks !== undefined);
  assert.equal(await subjectOf(await provider.token(), found), "app");

  await provider.stop();
  keeper.pass(20 * MINUTE);
  const away = await keeper.until(({ failure }) => failure !== undefined);
  assert.deepEqual([away.jwks, away.failure], [found.jwks, away.failure]);
  assert.match(away.failure ?? "", /^"127\.0\.0\.1:\d+" can't be asked: ECONNREFUSED$/);

  await provider.rotate();
  await provider.start();
  const signed = await provider.token();
  await assert.rejects(subjectOf(signed, away), /no applicable key/);
  keeper.pass(MINUTE);
  const rotated = await keeper.until(({ failure }) => failure === undefined);
  assert.equal(await subjectOf(signed, rotated), "app");
  assert.doesNotMatch(rotated.jwks ?? "", /"(d|p|q|dp|dq|qi)":/);
});

test("fetchKeys() says what is wrong with a provider", async (t) => {
  const provider = await startOidcProvider(t);
  const reasonOf = async (location: string) => {
    const fetched = await fetchKeys(location, { ...context, timeoutMs: 5_000, signal: neverAborted() });
    return fetched.kind === "failed" ? fetched.reason : undefined;
  };
  const host = `"${new URL(provider.issuer).host}"`;
  assert.equal(await reasonOf(`jwks ${provider.issuer}/jwks`), undefined);
  assert.equal(await reasonOf(`jwks ${provider.issuer}/none`), `${host} answered with HTTP status 404`);
  assert.equal(
    await reasonOf(`jwks ${provider.issuer}/.well-known/openid-configuration`),
    "the answer isn't a JSON Web Key Set",
  );
  assert.equal(
    await reasonOf("discovery testing@secure.istio.io"),
    `"testing@secure.istio.io" isn't a URL, so its keys can't be discovered: set jwksUri or jwks`,
  );
  // Istio takes an issuer with a slash at its end for the same.
  assert.equal(await reasonOf(`discovery ${provider.issuer}/`), undefined);
});

const context = {
  clock: systemClock,
  addresses: { allowed: [LOOPBACK] },
  resolve: () => Promise.reject(new Error("no names here")),
};

/** Time is moved by hand; requests take what they take. */
function keep(t: TestContext, location: string) {
  const clock = new ManualClock(Date.now());
  let stored: KeyRecords = new Map();
  let tell: () => void = () => undefined;
  const keeper = startKeyKeeper({
    clock,
    random: () => 0.5,
    log: silentLogger,
    wanted: () => [[location, { timeoutMs: 5_000, namespaces: ["shop"] }]],
    watchWanted: () => () => undefined,
    stored,
    fetch: (wanted, options) => fetchKeys(wanted, { ...context, ...options }),
    async store(records) {
      stored = records;
      tell();
    },
  });
  t.after(() => keeper.close());
  return {
    pass: (ms: number) => clock.advance(ms),
    async until(accepts: (record: KeyRecord) => boolean): Promise<KeyRecord> {
      for (;;) {
        const record = stored.get(location);
        if (record !== undefined && accepts(record)) return record;
        await new Promise<void>((resolve) => {
          tell = resolve;
        });
      }
    },
  };
}

async function subjectOf(token: string, { jwks = "" }: KeyRecord): Promise<string | undefined> {
  const { payload } = await jwtVerify(token, createLocalJWKSet(JSON.parse(jwks) as JSONWebKeySet));
  return payload.client_id as string;
}

function neverAborted(): AbortSignal {
  return new AbortController().signal;
}
