// The guides of docs/guides/security, and others that need no more than their mesh, run as they are written: each command in
// a shell, what it prints compared with what the guide says that it prints, on real Envoys.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { chmod, cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { eventually } from "../mesh/eventually.ts";
import type { RunningMesh } from "../mesh/running-mesh.ts";
import { skipWithoutMesh as skip, startMesh } from "../mesh/running-mesh.ts";
import { freePort, skipWithoutPrometheus } from "../mesh/running-prometheus.ts";
import type { GuideCommand } from "./guide.ts";
import { isAsExpected, readGuide } from "./guide.ts";
import type { Shell } from "./shell.ts";
import { openShell } from "./shell.ts";

const GUIDES = new URL("../../../docs/guides/security/", import.meta.url);
const EXAMPLES = new URL("../../../examples/", import.meta.url);
const BIN = fileURLToPath(new URL("../../../bin", import.meta.url));
const PREPARED = ["../tasks/platform", "apps/foo"];
// What a guide says comes soon after a file is saved, or never.
const DEADLINE_MS = 15_000;

const INDEX = "README.md";
const PROMETHEUS = "../prometheus-and-grafana.md";
const OTHERS = ["../access-logs.md", "../traces.md", PROMETHEUS, "../watch-traffic.md"];
const pages = [...readdirSync(GUIDES).filter((page) => page !== INDEX), ...OTHERS];

describe("security guides", { skip }, () => {
  let folder: string;
  let prepared: readonly string[];
  let mesh: RunningMesh;
  let shell: Shell;

  before(
    async () => {
      folder = await mkdtemp("/var/tmp/meltemi-security-");
      await chmod(folder, 0o755);
      for (const name of ["tasks", "security"]) {
        await cp(new URL(name, EXAMPLES), join(folder, "examples", name), { recursive: true });
      }
      const here = (name: string) => join(folder, "examples/security", name);
      await promisify(execFile)(here("delete"), ["--all"]);
      await promisify(execFile)(here("apply"), PREPARED);
      prepared = await readdir(here("manifests"));
      mesh = await startMesh({ folder: here("manifests") });
      const PATH = [here(""), join(BIN), process.env.PATH].join(delimiter);
      const MELTEMI_STATE_DIR = mesh.stateDirectory;
      const URL_OF_GATEWAY = await mesh.gatewayUrl(80);
      const PROMETHEUS_AT = `127.0.0.1:${await freePort()}`;
      const own = { PATH, MELTEMI_STATE_DIR, PROMETHEUS_AT, NO_COLOR: "1", URL: URL_OF_GATEWAY };
      const env = { ...process.env, ...own };
      shell = openShell({ cwd: folder, env });
      for (const command of readGuide(new URL(INDEX, GUIDES))) await follow(command);
    },
    { timeout: 120_000 },
  );
  after(async () => {
    await shell?.close();
    await mesh?.close();
    if (folder !== undefined) await rm(folder, { recursive: true });
  });

  // A page that failed leaves nothing to the next.
  afterEach(async () => {
    for (const file of await filesLeft()) await mesh.remove(file);
    await shell.run(`apply ${PREPARED.join(" ")}`);
  });

  async function filesLeft(): Promise<readonly string[]> {
    return (await readdir(mesh.configDirectory)).filter((file) => !prepared.includes(file));
  }

  /** What isn't expected to print something must succeed. */
  async function follow({ text, line, expected }: GuideCommand): Promise<void> {
    const check = async () => {
      const { code, stdout, stderr } = await shell.run(text);
      const seen = `line ${line}: ${text}\n${stdout}${stderr}`;
      if (expected === undefined) assert.equal(code, 0, seen);
      else assert.ok(isAsExpected(stdout, expected), `${seen}expected: ${expected}`);
    };
    await (expected === undefined ? check() : eventually(check, { deadlineMs: DEADLINE_MS }));
  }

  for (const page of pages) {
    test(page, { skip: page === PROMETHEUS && skipWithoutPrometheus }, async () => {
      for (const command of readGuide(new URL(page, GUIDES))) await follow(command);
      assert.deepEqual(await filesLeft(), [], "the guide takes out what it applied");
    });
  }
});
