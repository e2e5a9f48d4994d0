import assert from "node:assert/strict";
import { test } from "node:test";
import type { CommandInput } from "../command.ts";
import { readAskedCall } from "./asked-call.ts";

function input(words: readonly string[], options: CommandInput["options"] = {}): CommandInput {
  return { args: [words], options };
}

test("readAskedCall() takes a request as it is written", async () => {
  const call = await readAskedCall(
    input(["POST", "http://web.shop:8080/x/../y?q#f"], { header: ["X-A: 1", "x-a: 2"] }),
  );
  assert.deepEqual(call, {
    url: "http://web.shop:8080/x/../y?q#f",
    host: "web.shop",
    port: 8080,
    request: {
      method: "POST",
      authority: "web.shop:8080",
      path: "/x/../y?q#f",
      headers: new Map([["x-a", "1,2"]]),
    },
  });
});

test("readAskedCall() fills in what a client would", async () => {
  const { port, request } = await readAskedCall(input(["http://web?q"], { jwt: " a.b.c\n" }));
  assert.equal(port, 80);
  assert.deepEqual(request, {
    method: "GET",
    authority: "web",
    path: "/?q",
    headers: new Map([["authorization", "Bearer a.b.c"]]),
  });
  const named = await readAskedCall(input(["http://web/"], { header: ["Host: other"] }));
  assert.equal(named.request?.authority, "other");
});

test("readAskedCall() sees a connection where a proxy sees no request", async () => {
  assert.deepEqual(await readAskedCall(input(["tcp://db:5432"])), {
    url: "tcp://db:5432",
    host: "db",
    port: 5432,
  });
  assert.equal((await readAskedCall(input(["https://[fd00::1]/x"]))).port, 443);
  assert.equal((await readAskedCall(input(["https://[fd00::1]/x"]))).host, "fd00::1");
});

test("readAskedCall() refuses what can't be asked", async () => {
  const refused: readonly (readonly [readonly string[], CommandInput["options"], RegExp])[] = [
    [["GET"], {}, /Cannot read the call "GET"/],
    [["tcp://db"], {}, /wanted METHOD http/],
    [["GET", "x", "http://web/"], {}, /Cannot read the call/],
    [["GET", "tcp://db:1"], {}, /connection of bytes/],
    [["tcp://db:1"], { jwt: "x" }, /connection of bytes/],
    [["G T", "http://web/"], {}, /the method "G T"/],
    [["http://web/"], { header: ["nothing"] }, /the header "nothing"/],
    [["http://web/"], { jwt: "@/nowhere/token" }, /Cannot read the token in "\/nowhere\/token": ENOENT/],
  ];
  for (const [words, options, message] of refused) {
    await assert.rejects(readAskedCall(input(words, options)), { message, exitCode: 2 });
  }
});
