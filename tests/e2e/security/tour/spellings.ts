// Paths, hosts and headers in other spellings, against rules of DENY and of ALLOW. What a rule names is refused however
// it is written; what passes is, byte for byte, what the application sees, and is no spelling of what is named.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type RawRequest, rawRequest, type Tour, willLog } from "./tour-mesh.ts";

const DENIED = "rbac_access_denied_matched_policy[ns[test]-policy[deny]-rule";
const NOT_ALLOWED = "rbac_access_denied_matched_policy[none]";

export function proveSpellings(tourOf: () => Tour, skip: false | string): void {
  const refused = async (attacks: readonly RawRequest[], reason: string) => {
    const refuse = async (attack: RawRequest) => {
      const { status, seen, mark, text } = await rawRequest(tourOf(), attack);
      assert.deepEqual([status, seen], [403, undefined], `${JSON.stringify(attack)}: ${text}`);
      willLog(tourOf(), attack.to, mark, " 403 ", reason);
    };
    await Promise.all(attacks.map(refuse));
  };
  const malformed = async (attack: RawRequest) => {
    const { status, seen, text } = await rawRequest(tourOf(), attack);
    assert.deepEqual([status, seen], [400, undefined], `${JSON.stringify(attack)}: ${text}`);
  };
  const taken = async (attack: RawRequest) => {
    const { status, seen, text } = await rawRequest(tourOf(), attack);
    assert.equal(status, 200, `${JSON.stringify(attack)}: ${text}`);
    return seen;
  };

  test("no spelling of a path walks around a DENY", { skip }, async () => {
    await taken({ to: "echo-v1", target: "/administer" });
    const targets = [
      ...["/admin", "/admin?x", "/admin#x", "/admin/;x", "http://echo/admin"],
      ...["//admin", "/./admin", "/x/../admin", "/x/..;/admin", "/%61dmin", "/x/%2e%2e/admin", "/.%2e/admin"],
      ...["/%2fadmin", "/%2Fadmin", "/admin%2fx", "/%5cadmin", "/\\admin", "/x\\..\\admin"],
    ];
    await refused(
      targets.map((target) => ({ to: "echo-v1", target })),
      DENIED,
    );
    for (const target of ["/admin%00", "*", "admin"]) await malformed({ to: "echo-v1", target });
  });

  test("no spelling of a path leads out of an ALLOW", { skip }, async () => {
    assert.equal((await taken({ to: "echo-v2", target: "/public/a" }))?.path, "/public/a");
    const targets = [
      ...["/public/../admin", "/public/%2e%2e/admin", "/public/..%2fadmin", "/public/%2e%2e%2fadmin"],
      ...["/public\\..\\admin", "/public/..%5cadmin", "/public/..;/admin", "/PUBLIC/a", "/public"],
      "http://echo/public/../admin",
    ];
    await refused(
      targets.map((target) => ({ to: "echo-v2", target })),
      NOT_ALLOWED,
    );
  });

  test("what isn't a spelling to Envoy is passed on as it was judged", { skip }, async () => {
    for (const target of ["/ADMIN", "/admin;x=1", "/%252fadmin", "/;/admin", "/admin."])
      assert.equal((await taken({ to: "echo-v1", target }))?.path, target);
  });

  test("no spelling of a host walks around a DENY, or into an ALLOW", { skip }, async () => {
    await taken({ to: "echo-v1", host: "notsecret.example" });
    const spellings = [
      "secret.example",
      "SECRET.example",
      "secret.example:80",
      "secret.example:",
      "secret.example\t",
    ];
    const dotted = ["secret.example.", "secret.example.:80"];
    const denied = [...spellings, ...dotted].map((host) => ({ to: "echo-v1", host }));
    await refused([...denied, { to: "echo-v1", host: "echo", target: "http://secret.example/" }], DENIED);
    for (const host of ["secret.example/", "secret.example#a", "secret.example?a"])
      await malformed({ to: "echo-v1", host });
    assert.equal((await taken({ to: "echo-v2", host: "PUBLIC.example" }))?.path, "/");
    const others = ["x@public.example", "public.example:80", "public.example.evil"];
    await refused(
      others.map((host) => ({ to: "echo-v2", host })),
      NOT_ALLOWED,
    );
  });

  test("one of two headers of a name is enough for a DENY", { skip }, async () => {
    await taken({ to: "echo-v1", headers: ["x-role: fine", "x-role: good"] });
    const doubled = [
      ["x-role: banned"],
      ["x-role: fine", "x-role: banned"],
      ["X-ROLE: banned", "x-role: fine"],
      ["x-role:\tbanned "],
    ];
    await refused(
      doubled.map((headers) => ({ to: "echo-v1", headers })),
      DENIED,
    );
  });

  test("two hosts are no host that is allowed or passes a DENY, and two lengths no request", {
    skip,
  }, async () => {
    await refused([{ to: "echo-v2", host: "echo", headers: ["host: evil.example"] }], NOT_ALLOWED);
    // Envoy makes one of two, which no rule names, and the application might take either.
    for (const [host, other] of [
      ["secret.example", "echo"],
      ["echo", "secret.example"],
      ["secret.example", "secret.example"],
    ] as const) {
      const attack = { to: "echo-v1", host, headers: [`host: ${other}`] };
      const { status, seen, mark, text } = await rawRequest(tourOf(), attack);
      assert.deepEqual([status, seen], [400, undefined], text);
      willLog(tourOf(), "echo-v1", mark, " 400 ", "direct_response");
    }
    const post = { to: "echo-v1", method: "POST" };
    await taken({ ...post, headers: ["content-length: 0"] });
    await malformed({ ...post, headers: ["content-length: 0", "content-length: 5"] });
    await malformed({ ...post, headers: ["content-length: 0", "transfer-encoding: chunked"] });
    await malformed({ ...post, headers: ["x-role : banned"] });
  });
}
