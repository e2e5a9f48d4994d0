// What an operator reads after an internal error: the line itself, as each of our loggers writes it to standard error.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const errorKeys = ["error", "err", "cause", "failure"];

// Each logs one line, whose event is the name.
const statements = {
  ...Object.fromEntries(
    errorKeys.map((key) => [key, `log.error({ path: "/x", ${key}: outer() }, "${key}");`]),
  ),
  several: `log.error({ error: new AggregateError([inner(), "text"], "both"), all: [inner()] }, "several");`,
  loop: `const loop = inner(); loop.cause = loop; log.error({ error: loop }, "loop");`,
  secret: `log.error({ error: Object.assign(inner(), { token: "s3cret", request: { key: "s3cret" } }) }, "secret");`,
  plain: `log.info({ count: 3, names: ["a"], reason: "text", nested: { a: 1 } }, "plain");`,
};

for (const [name, { module, call }] of Object.entries({
  createProcessLogger: { module: "./process-logger.ts", call: 'createProcessLogger("control-plane")' },
  createLineLogger: { module: "./line-logger.ts", call: 'createLineLogger("info", "agent")' },
})) {
  describe(`${name}()`, () => {
    const lines = loggedLines(
      `import { ${name} } from ${JSON.stringify(urlOf(module))}; const log = ${call};`,
    );
    const lineOf = (event: string) => lines.find(({ msg }) => msg === event) ?? {};

    for (const key of errorKeys) {
      test(`keeps type, message, stack and cause of the Error "${key}"`, () => {
        const line = lineOf(key);
        assert.equal(line.path, "/x");
        const { type, message, stack = "", cause } = line[key] as Logged;
        assert.equal(type, "TypeError");
        assert.equal(message, "outer went wrong");
        assert.match(stack, /at outer /);
        assert.equal(cause?.message, "inner went wrong");
        assert.equal(cause?.code, "ECONNREFUSED");
        assert.match(cause?.stack ?? "", /at inner /);
      });
    }

    test("keeps the errors of an AggregateError and of a list", () => {
      const { error, all } = lineOf("several");
      const { message, errors } = error as Logged;
      assert.equal(message, "both");
      assert.equal((errors?.[0] as Logged | undefined)?.message, "inner went wrong");
      assert.equal(errors?.[1], "text");
      assert.equal((all as Logged[])[0]?.message, "inner went wrong");
    });

    test("writes an Error that is its own cause", () => {
      assert.equal((lineOf("loop").error as Logged).cause?.message, "inner went wrong");
    });

    test("says nothing of what was hung on an Error", () => {
      const line = lineOf("secret");
      assert.equal((line.error as Logged).message, "inner went wrong");
      assert.doesNotMatch(JSON.stringify(line), /s3cret/);
    });

    test("leaves other values as they are", () => {
      const { count, names, reason, nested } = lineOf("plain");
      assert.deepEqual([count, names, reason, nested], [3, ["a"], "text", { a: 1 }]);
    });
  });
}

interface Logged {
  readonly type: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: string;
  readonly cause?: Logged;
  readonly errors?: readonly unknown[];
}

/** Written by a process of its own, since the loggers write to its standard error. */
function loggedLines(setUp: string): readonly Readonly<Record<string, unknown>>[] {
  const program = `
    ${setUp}
    function inner() { return Object.assign(new Error("inner went wrong"), { code: "ECONNREFUSED" }); }
    function outer() { return new TypeError("outer went wrong", { cause: inner() }); }
    ${Object.values(statements).join("\n")}
  `;
  const run = spawnSync(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", program], {
    encoding: "utf8",
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
  });
  assert.equal(run.status, 0, run.stderr);
  return run.stderr
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
}

function urlOf(module: string): string {
  return new URL(module, import.meta.url).href;
}

test("createScopedLogs() names the scope, and each has a level that changes", () => {
  const lines = loggedLines(`
    import { createScopedLogs } from ${JSON.stringify(urlOf("./process-logger.ts"))};
    const logs = createScopedLogs("control-plane", { ads: "streams", ca: "certificates" });
    const log = { error() {}, info() {} };
    logs.ads.debug({}, "1");
    logs.ads.info({ count: 1 }, "2");
    logs.levels.set("ads", "debug");
    logs.levels.set("ca", "none");
    logs.ads.debug({ error: outer() }, "3");
    logs.ca.error({}, "4");
    logs.levels.set("ca", "error");
    logs.ca.warn({}, "5");
    logs.ca.error({}, "6");
  `);
  const told = lines.map(({ msg, scope, component }) => ({ msg, scope, component }));
  const component = "control-plane";
  assert.deepEqual(told, [
    { msg: "2", scope: "ads", component },
    { msg: "3", scope: "ads", component },
    { msg: "6", scope: "ca", component },
  ]);
  assert.match((lines[1]?.error as Logged | undefined)?.stack ?? "", /at outer /);
});
