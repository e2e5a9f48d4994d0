// Tokens of end users at a real Envoy: which are accepted, which refused and how, and what the server sees of them.

import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { before, describe, type TestContext, test } from "node:test";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import { encode } from "../../src/envoy/encode.ts";
import { buildHttpSlot, httpSlotName } from "../../src/envoy/policy-slot/http-slot.ts";
import { buildTokenConcealment } from "../../src/envoy/request-authentication/concealed-tokens.ts";
import { buildRequestAuthentication } from "../../src/envoy/request-authentication/request-authentication.ts";
import { TypedExtensionConfigSchema } from "../../src/gen/envoy/config/core/v3/extension_pb.ts";
import type { JwtRule } from "../../src/kinds/request-authentication.ts";
import { findEnvoy, makeSocketDirectory, startEnvoy } from "./envoy-process.ts";
import { cluster, endpoints, listener, resource, routes, type TypedResource } from "./mesh-resources.ts";
import { RecordingBackend, serve } from "./recording-backend.ts";

const skip = findEnvoy() === undefined ? "no Envoy: set MELTEMI_ENVOY" : false;

interface Key {
  readonly sign: Parameters<SignJWT["sign"]>[0];
  readonly jwks: string;
}

let key: Key;
let otherKey: Key;

before(async () => {
  [key, otherKey] = await Promise.all([newKey(), newKey()]);
});

describe("request authentication", { skip }, () => {
  test("accepts a good token and none, and refuses each that isn't good", async (t) => {
    const { ask } = await start(t, [{ issuer: "idp", audiences: ["shop"] }]);
    const good = await token();
    const tampered = `${good.slice(0, -10)}${good.slice(-10, -9) === "A" ? "B" : "A"}${good.slice(-9)}`;
    const cases: readonly (readonly [string, string | undefined, number])[] = [
      ["none", undefined, 200],
      ["good", good, 200],
      ["of one of several audiences", await token({ aud: ["bar", "shop"] }), 200],
      ["alg none", new UnsecuredJWT({ iss: "idp", aud: "shop" }).encode(), 401],
      ["of another issuer", await token({ iss: "other" }), 401],
      ["of another audience", await token({ aud: "bar" }), 403],
      ["expired", await token({ exp: now() - 3600 }), 401],
      ["not valid yet", await token({ nbf: now() + 3600 }), 401],
      ["of an unknown key id", await token({}, { kid: "other" }), 401],
      ["of another key with the known id", await token({}, { signer: otherKey }), 401],
      ["signed by the public key as a secret", await tokenByPublicKey(), 401],
      ["tampered with", tampered, 401],
      ["no token at all", "x", 401],
    ];
    for (const [what, bearer, status] of cases) {
      const answer = await ask(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` });
      assert.equal(answer.status, status, `${what}: ${answer.body}`);
    }
  });

  test("finds tokens in headers, parameters and cookies, and refuses a bad one in either place", async (t) => {
    const { ask } = await start(t, [
      {
        issuer: "idp",
        fromHeaders: [{ name: "x-token", prefix: "Token " }],
        fromParams: ["token"],
        fromCookies: ["session"],
        outputPayloadToHeader: "x-payload",
      },
    ]);
    const good = await token();
    const bad = await token({ iss: "other" });
    const reaches = async (headers: Record<string, string>, path = "/") => {
      const answer = await ask(headers, path);
      return answer.status === 200 ? answer.headers["x-payload"] !== undefined : answer.status;
    };
    assert.equal(
      await reaches({ authorization: `Bearer ${good}` }),
      false,
      "the usual place is looked at too",
    );
    assert.equal(await reaches({ "x-token": `Token ${good}` }), true);
    assert.equal(await reaches({ "x-token": `Other ${good}` }), false, "another prefix");
    assert.equal(await reaches({}, `/?a=b&token=${good}`), true);
    assert.equal(await reaches({ cookie: `a=b; session=${good}` }), true);
    assert.equal(await reaches({ cookie: `session=${bad}` }), 401);
    for (const [header, parameter] of [
      [bad, good],
      [good, bad],
    ])
      assert.equal(
        await reaches({ "x-token": `Token ${header}` }, `/?token=${parameter}`),
        401,
        "two tokens",
      );
    assert.equal(await reaches({ "x-token": `Token ${good}` }, `/?token=${good}`), true);
  });

  test("hands the server what the rule says of the token, and what a caller forges is gone", async (t) => {
    const { ask } = await start(t, [
      {
        issuer: "idp",
        outputPayloadToHeader: "x-payload",
        outputClaimToHeaders: [
          { header: "x-team", claim: "org.team" },
          { header: "x-admin", claim: "admin" },
        ],
      },
    ]);
    const authorization = `Bearer ${await token({ org: { team: "blue" }, admin: true })}`;
    const forged = { "x-payload": "forged", "x-team": "forged", "x-admin": "forged" };
    const { headers } = await ask({ ...forged, authorization });
    assert.deepEqual([headers["x-team"], headers["x-admin"]], ["blue", "true"]);
    const payload = JSON.parse(Buffer.from(headers["x-payload"] ?? "", "base64url").toString()) as JWTPayload;
    assert.equal(payload.iss, "idp");
    assert.equal(headers.authorization, undefined, "the token stays here");
    const without = await ask(forged);
    assert.deepEqual(
      ["x-payload", "x-team", "x-admin"].map((name) => without.headers[name]),
      [undefined, undefined, undefined],
    );
  });

  test("passes the token on where the rule says so", async (t) => {
    const { ask } = await start(t, [{ issuer: "idp", forwardOriginalToken: true }]);
    const authorization = `Bearer ${await token()}`;
    assert.equal((await ask({ authorization })).headers.authorization, authorization);
  });

  test("takes a token from the path that the server sees", async (t) => {
    const { ask } = await start(t, [{ issuer: "idp", fromParams: ["token"] }]);
    assert.equal((await ask({}, `/x?a=b&token=${await token()}`)).path, "/x?a=b");
  });

  test("of several issuers takes a token of any", async (t) => {
    const { ask } = await start(t, [{ issuer: "idp" }, { issuer: "idp-2" }]);
    const statusOf = async (claims: JWTPayload) =>
      (await ask({ authorization: `Bearer ${await token(claims)}` })).status;
    assert.equal(await statusOf({}), 200);
    assert.equal(await statusOf({ iss: "idp-2" }), 200);
    assert.equal(await statusOf({ iss: "idp-3" }), 401);
    assert.equal((await ask({})).status, 200);
  });

  test("refuses a request without a token that is required, whatever other token it has", async (t) => {
    const scope = { issuer: "scope", fromHeaders: [{ name: "x-scope" }], presence: "REQUIRED" } as const;
    const bearer = { authorization: `Bearer ${await token()}` };
    const both = { ...bearer, "x-scope": await token({ iss: "scope" }) };
    const only = { "x-scope": both["x-scope"] };
    const mixed = await start(t, [{ issuer: "idp" }, scope]);
    const statuses = async ({ ask }: typeof mixed) => {
      const answers = [await ask({}), await ask(bearer), await ask(only), await ask(both)];
      return answers.map(({ status }) => status);
    };
    assert.deepEqual(await statuses(mixed), [401, 401, 200, 200]);
    assert.deepEqual(
      await statuses(await start(t, [{ issuer: "idp", presence: "REQUIRED" }, scope])),
      [401, 401, 401, 200],
    );
    const bad = { ...only, authorization: `Bearer ${await token({ iss: "other" })}` };
    assert.equal((await mixed.ask(bad)).status, 401, "an optional one that is invalid");
  });

  test("refuses every token of an issuer without keys, and takes requests without one", async (t) => {
    const { ask } = await start(t, [{ issuer: "idp" }], undefined);
    assert.equal((await ask({ authorization: `Bearer ${await token()}` })).status, 401);
    assert.equal((await ask({})).status, 200);
  });

  test("takes any text as a parameter's name, and any number of them", async (t) => {
    const odd = ["a.b')%$[(?:", "é😀\\", "'", "x".repeat(900)];
    for (const fromParams of [odd, Array.from({ length: 4_096 }, (_, index) => `p${index}`)]) {
      const { ask } = await start(t, [{ issuer: "idp", fromParams }]);
      assert.equal((await ask({})).status, 200);
      const name = encodeURIComponent(fromParams[0] ?? "");
      assert.equal((await ask({}, `/?${name}=x`)).status, 401);
      assert.equal((await ask({}, `/?${name}=${await token()}`)).status, 200);
    }
  });

  test("answers a token of 1 MB, and lives", async (t) => {
    const { ask } = await start(t, [
      { issuer: "idp", fromHeaders: [{ name: "authorization", prefix: "Bearer " }], fromParams: ["token"] },
    ]);
    const large = await token({ large: "x".repeat(1024 * 1024) });
    assert.equal((await ask({ authorization: `Bearer ${large}` })).status, 431);
    assert.ok([414, 431].includes((await ask({}, `/?token=${large}`)).status));
    assert.equal((await ask({}, `/?token=${await token()}`)).status, 200);
  });
});

interface Answer {
  readonly status: number;
  readonly body: string;
  /** What the server saw. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly path: string | undefined;
}

/** An Envoy that lets requests through its `jwt` slot to a server which answers with what it sees. */
async function start(t: TestContext, rules: readonly JwtRule[], ...keys: readonly [jwks?: string]) {
  const directory = makeSocketDirectory(t);
  const [adsPath, path] = [join(directory, "xds.sock"), join(directory, "listener.sock")];
  const jwks = keys.length === 0 ? key.jwks : keys[0];
  const issuers = rules.map((rule) => ({ rule, jwks }));
  const inputs = { issuers, isGateway: false };
  const filters = [...buildTokenConcealment(inputs), ...buildRequestAuthentication(inputs)];
  const slot = buildHttpSlot("jwt", filters);
  const name = httpSlotName("jwt");
  const policy = resource(name, encode(TypedExtensionConfigSchema, slot).bytes);
  const backend = new RecordingBackend([
    cluster("a"),
    endpoints("a", await startMirror(t)),
    ["extension-config", policy] satisfies TypedResource,
    listener("l", path, "r", { policy: name }),
    routes("r", "a"),
  ]);
  await serve(t, backend, { kind: "unix", path: adsPath });
  await startEnvoy(t, { directory, adsPath, variant: "DELTA_GRPC" }).untilLive();
  const ask = (headers: Readonly<Record<string, string>>, target = "/") => askThrough(path, headers, target);
  return { ask };
}

function askThrough(
  socketPath: string,
  headers: Readonly<Record<string, string>>,
  path: string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path, headers: { host: "x", ...headers } }, (response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk.toString()));
      response.on("end", () => {
        const status = response.statusCode ?? 0;
        const seen = status === 200 ? (JSON.parse(body) as Pick<Answer, "headers" | "path">) : undefined;
        resolve({ status, body, headers: seen?.headers ?? {}, path: seen?.path });
      });
    });
    call.on("error", reject);
    call.end();
  });
}

async function startMirror(t: TestContext): Promise<number> {
  const server = createServer(({ headers, url }, response) =>
    response.end(JSON.stringify({ headers, path: url })),
  ).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function newKey(): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: "key", alg: "RS256", use: "sig" };
  return { sign: privateKey, jwks: JSON.stringify({ keys: [jwk] }) };
}

function token(
  claims: JWTPayload = {},
  { kid = "key", signer = key }: { readonly kid?: string; readonly signer?: Key } = {},
): Promise<string> {
  const payload = { iss: "idp", aud: "shop", sub: "alice", exp: now() + 3600, ...claims };
  return new SignJWT(payload).setProtectedHeader({ alg: "RS256", kid }).sign(signer.sign);
}

/** The classic confusion: HMAC with what everybody knows. */
function tokenByPublicKey(): Promise<string> {
  const secret = new TextEncoder().encode(key.jwks);
  return new SignJWT({ iss: "idp", aud: "shop" })
    .setProtectedHeader({ alg: "HS256", kid: "key" })
    .sign(secret);
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}
