import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { installPackages, missingPackages } from "./debian-packages.mjs";
import { areNpmPackagesInstalled } from "./npm-packages.mjs";

async function inFolder(act) {
  const folder = mkdtempSync(join(tmpdir(), "setup-"));
  const write = (path, text, mode = 0o644) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
    chmodSync(join(folder, path), mode);
  };
  try {
    await act(folder, write);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("missingPackages()", () => {
  it("names each package once whose programs are absent", () =>
    inFolder((folder, write) => {
      write("ip", "", 0o755);
      write("curl", "");
      const missing = missingPackages("test", [folder]);
      assert.ok(!missing.includes("iproute2"));
      assert.ok(missing.includes("curl"), "a file that isn't executable is no program");
      assert.equal(missing.filter((name) => name === "util-linux").length, 1);
    }));

  it("asks for less for the demo than for the tests", () => {
    assert.ok(missingPackages("test", []).includes("tcpdump"));
    assert.ok(!missingPackages("demo", []).includes("tcpdump"));
    assert.deepEqual(missingPackages("build", []), []);
  });
});

describe("installPackages()", () => {
  // Stands in for Debian's program: logs its arguments, and installs nothing before its lists are updated.
  const aptGet = `#!/bin/sh
echo "$DEBIAN_FRONTEND $*" >> "$0.log"; [ -e "$0.policy" ] && echo policy >> "$0.log"
case "$*" in *update*) touch "$0.updated";; *) [ -e "$0.updated" ] || { echo "E: Unable to locate package"; exit 100; };; esac
`;

  it("says which command gets them when it isn't root", async () => {
    const expected = /^Cannot go on without uidmap, curl: run `sudo apt-get install -y .*uidmap curl`$/;
    await assert.rejects(installPackages(["uidmap", "curl"], { isRoot: false }), { message: expected });
  });

  it("updates the package lists only after a failure, and starts no service", () =>
    inFolder(async (folder, write) => {
      write("apt-get", aptGet, 0o755);
      const env = { PATH: `${folder}:/usr/bin:/bin` };
      const policyFile = join(folder, "apt-get.policy");
      await installPackages(["curl"], { isRoot: true, env, policyFile });
      const log = readFileSync(join(folder, "apt-get.log"), "utf8").split("\n");
      const verbs = log
        .map((line) => /policy|update|install/.exec(line)?.[0])
        .filter((verb) => verb !== undefined);
      assert.deepEqual(verbs, ["install", "policy", "update", "policy", "install", "policy"]);
      assert.match(log[0], /^noninteractive /);
      assert.ok(!existsSync(policyFile));
    }));

  it("says why apt-get failed", () =>
    inFolder(async (folder, write) => {
      write("apt-get", "#!/bin/sh\necho 'E: no network'; exit 100\n", 0o755);
      const options = {
        isRoot: true,
        env: { PATH: `${folder}:/usr/bin:/bin` },
        policyFile: join(folder, "policy"),
      };
      await assert.rejects(installPackages(["curl"], options), {
        message: /`apt-get install .*` failed: E: no network$/,
      });
    }));

  it("says so where there is no apt-get", () =>
    inFolder(async (folder) => {
      const options = { isRoot: true, env: { PATH: folder }, policyFile: join(folder, "policy") };
      await assert.rejects(installPackages(["curl"], options), { message: /isn't Debian|apt-get.*ENOENT/ });
    }));
});

describe("areNpmPackagesInstalled()", () => {
  const lock = (version) =>
    JSON.stringify({ packages: { "": {}, "node_modules/a": { version, integrity: "x" } } });

  it("compares versions, and looks whether the folders are there", () =>
    inFolder((folder, write) => {
      write("package-lock.json", lock("1.0.0"));
      assert.equal(areNpmPackagesInstalled(folder), false);
      write("node_modules/.package-lock.json", lock("0.9.0"));
      write("node_modules/a/package.json", "{}");
      assert.equal(areNpmPackagesInstalled(folder), false);
      write("node_modules/.package-lock.json", lock("1.0.0"));
      assert.equal(areNpmPackagesInstalled(folder), true);
      rmSync(join(folder, "node_modules/a"), { recursive: true });
      assert.equal(areNpmPackagesInstalled(folder), false);
    }));
});
