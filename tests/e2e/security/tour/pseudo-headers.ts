// HTTP/2 as no client library would send it: pseudo-headers that are missing, doubled, out of place, or at odds with the
// headers that say the same.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  connectionPreface,
  END_HEADERS,
  END_STREAM,
  headersFrame,
  type RawHeaders,
  settingsFrame,
} from "../../../support/raw-http2.ts";
import { logged, logLines, newMark, type Tour, willLog } from "./tour-mesh.ts";

const GOOD: RawHeaders = [
  [":method", "GET"],
  [":scheme", "http"],
  [":path", "/public/h2"],
  [":authority", "echo"],
];

export function provePseudoHeaders(tourOf: () => Tour, skip: false | string): void {
  /** On a connection of its own, to the port whose server speaks HTTP/2. Resolves with the request's mark. */
  const send = async (workload: string, headers: RawHeaders) => {
    const mark = newMark();
    const frame = headersFrame(1, [...headers, ["user-agent", mark]], END_HEADERS | END_STREAM);
    const bytes = Buffer.concat([connectionPreface, settingsFrame(), frame]).toString("base64");
    const host = await tourOf().addressOf(workload);
    await tourOf().attacker.tcp({ host, port: 9090, bytes, timeoutMs: 300 });
    return mark;
  };
  const withPath = (path: string): RawHeaders =>
    GOOD.map((each) => (each[0] === ":path" ? [":path", path] : each));
  const without = (name: string): RawHeaders => GOOD.filter((each) => each[0] !== name);

  test("a request of HTTP/2 that is in order is let in: the control", { skip }, async () => {
    willLog(tourOf(), "echo-v2", await send("echo-v2", GOOD), "GET /public/h2 HTTP/2", " via_upstream ");
  });

  test("rules of DENY and ALLOW meet HTTP/2 too", { skip }, async () => {
    const attacks: readonly (readonly [string, RawHeaders])[] = [
      ["echo-v1", withPath("//admin")],
      ["echo-v1", withPath("/x/..;/admin")],
      ["echo-v1", [...without(":authority"), [":authority", "secret.example."]]],
      ["echo-v1", [...without(":authority"), ["host", "secret.example"]]],
      ["echo-v1", [...GOOD, ["x-role", "fine"], ["x-role", "banned"]]],
      ["echo-v2", withPath("/public/../admin")],
    ];
    for (const [workload, headers] of attacks)
      willLog(tourOf(), workload, await send(workload, headers), " 403 ", "rbac_access_denied");
  });

  test("pseudo-headers that are no request reach nobody", { skip }, async () => {
    const attacks: readonly RawHeaders[] = [
      without(":path"),
      without(":method"),
      [...GOOD, [":path", "/admin"]],
      [...GOOD, [":authority", "public.example"]],
      [...GOOD, [":method", "DELETE"]],
      [["x-first", "1"], ...GOOD],
      [...GOOD, [":status", "200"]],
      withPath(""),
      withPath("admin"),
      withPath("/public/a b"),
      withPath("/public/a\r\nx: y"),
      [...GOOD, ["Upper-Case", "x"]],
      [...GOOD, ["transfer-encoding", "chunked"]],
      [...GOOD, ["connection", "x-role"]],
      [...GOOD, ["x-line", "a\r\nx-role: admin"]],
      [...without(":authority"), [":authority", "echo/"]],
      [...without(":authority"), [":authority", "user@echo"]],
    ];
    const attackOf = new Map<string, RawHeaders>();
    for (const headers of attacks) attackOf.set(await send("echo-v2", headers), headers);
    await logged(tourOf(), "echo-v2", await send("echo-v2", GOOD), " via_upstream ");
    const letIn = (await logLines(tourOf(), "echo-v2")).filter((line) => line.includes(" via_upstream "));
    const found = [...attackOf].filter(([mark]) => letIn.some((line) => line.includes(mark)));
    assert.deepEqual(found, []);
  });

  test("a host header beside :authority says nothing", { skip }, async () => {
    const evil: RawHeaders = [...without(":authority"), [":authority", "evil.example"], ["host", "echo"]];
    const good = await send("echo-v2", [...GOOD, ["host", "evil.example"]]);
    willLog(tourOf(), "echo-v2", good, " via_upstream ", '"echo"');
    willLog(tourOf(), "echo-v2", await send("echo-v2", evil), " 403 ");
  });
}
