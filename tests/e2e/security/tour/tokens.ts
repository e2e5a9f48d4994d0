// Tokens of end users that aren't good: each refused, with the reason in the access log, and never in any log itself.

import assert from "node:assert/strict";
import { test } from "node:test";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import { ISSUER } from "./tour-manifests.ts";
import { logged, type RawAnswer, rawRequest, type Tour, willLog } from "./tour-mesh.ts";

export interface TokenForge {
  readonly jwks: string;
  sign(claims?: JWTPayload, kid?: string): Promise<string>;
}

export async function createTokenForge(): Promise<TokenForge> {
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  const jwk = { ...(await exportJWK(publicKey)), kid: "key", alg: "ES256" };
  return {
    jwks: JSON.stringify({ keys: [jwk] }),
    sign: (claims = {}, kid = "key") =>
      new SignJWT(goodClaims(claims)).setProtectedHeader({ alg: "ES256", kid }).sign(privateKey),
  };
}

function goodClaims(claims: JWTPayload = {}): JWTPayload {
  const exp = Math.floor(Date.now() / 1000) + 3_600;
  return { iss: ISSUER, aud: "shop", sub: "alice", team: "blue", exp, ...claims };
}

export function proveTokens(tourOf: () => Tour, forgeOf: () => TokenForge, skip: false | string): void {
  const bearer = (token: string) => `authorization: Bearer ${token}`;
  const ask = (...headers: readonly string[]) =>
    rawRequest(tourOf(), { to: "echo-v2", target: "/token", headers });
  const refused = async (answer: RawAnswer, status: number, reason: string) => {
    assert.equal(answer.seen, undefined, answer.text);
    assert.equal(answer.status, status, answer.text);
    willLog(tourOf(), "echo-v2", answer.mark, ` ${status} `, reason);
  };

  test("a good token is let in: the control beside all that follow", { skip }, async () => {
    const answer = await ask(bearer(await forgeOf().sign()));
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.seen?.headers["x-team"], "blue");
  });

  test("tokens that aren't good are refused, and the log says why", { skip }, async () => {
    const { sign } = forgeOf();
    const unsigned = new UnsecuredJWT(goodClaims()).encode();
    const attacks: readonly (readonly [token: string, status: number, reason: string])[] = [
      [unsigned, 401, "jwt_authn_access_denied{Jwt_is_not_in_the_form_of"],
      [`${unsigned}AAAA`, 401, "jwt_authn_access_denied{Jwt_header_[alg]_is_not_supported}"],
      [
        await sign({ iss: "https://evil.tour" }),
        401,
        "jwt_authn_access_denied{Jwt_issuer_is_not_configured}",
      ],
      [await sign({ exp: 1_700_000_000 }), 401, "jwt_authn_access_denied{Jwt_is_expired}"],
      [await sign({}, "other"), 401, "jwt_authn_access_denied{Jwks_doesn't_have_key"],
      [await sign({ aud: "other" }), 403, "jwt_authn_access_denied{Audiences_in_Jwt_are_not_allowed}"],
      [`${(await sign()).slice(0, -4)}AAAA`, 401, "jwt_authn_access_denied{Jwt_verification_fails}"],
    ];
    for (const [token, status, reason] of attacks) {
      const answer = await ask(bearer(token));
      assert.deepEqual([answer.status, answer.seen], [status, undefined], answer.text);
      willLog(tourOf(), "echo-v2", answer.mark, ` ${status} `, reason);
    }
  });

  test("beside a good token none is taken that isn't, wherever it is", { skip }, async () => {
    const [good, bad] = [await forgeOf().sign(), await forgeOf().sign({ exp: 1_700_000_000 })];
    for (const headers of [
      [bearer(good), bearer(bad)],
      [bearer(bad), bearer(good)],
    ]) {
      const answer = await ask(...headers);
      assert.equal(answer.seen, undefined, answer.text);
      willLog(tourOf(), "echo-v2", answer.mark, " 401 ", "jwt_authn_access_denied");
    }
    const target = `/token?token=${bad}`;
    const headers = [bearer(good)];
    await refused(await rawRequest(tourOf(), { to: "echo-v2", target, headers }), 401, "Jwt_is_expired");
  });

  test("a token of 1 MB is refused, and the next request served", { skip }, async () => {
    const large = await forgeOf().sign({ large: "x".repeat(1024 * 1024) });
    const answer = await ask(bearer(large));
    assert.equal(answer.status, 431, answer.text.slice(0, 200));
    willLog(tourOf(), "echo-v2", " 431 ", "headers_too_large");
    assert.equal((await ask(bearer(await forgeOf().sign()))).status, 200);
  });

  test("a token in the query is in no log, taken or refused", { skip }, async () => {
    const tour = tourOf();
    const [good, bad] = [await forgeOf().sign(), await forgeOf().sign({ exp: 1_700_000_000 })];
    const targets = [
      `/token?token=${good}`,
      `/token?a=1&t%6fken=${good}`,
      `/token?token=${bad}`,
      `/x?token=${good}`,
    ];
    const answers = [];
    for (const target of targets) answers.push(await rawRequest(tour, { to: "echo-v2", target }));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 401, 403],
    );
    const other = await rawRequest(tour, { to: "echo-v2", target: "/public/a?b=c" });
    assert.match(await logged(tour, "echo-v2", other.mark), / \/public\/a\?b=c HTTP/, "the control");
    for (const { mark, status } of answers)
      assert.match(await logged(tour, "echo-v2", mark, ` ${status} `), /"GET \/(token|x) HTTP\/1\.1"/);
    await assertNowhere(tour, [good, bad]);
  });
}

/** In no container's log of the workload, and in nothing that the mesh says. */
async function assertNowhere({ mesh }: Tour, secrets: readonly string[]): Promise<void> {
  const lines = await Promise.all(
    ["istio-proxy", "echo"].map((container) => mesh.logs("echo-v2", container)),
  );
  const said = `${mesh.output()}\n${lines
    .flat()
    .map(({ text }) => text)
    .join("\n")}`;
  for (const secret of secrets) assert.ok(!said.includes(secret.slice(-60)), "a token is in a log");
}
