import assert from "node:assert/strict";
import { test } from "node:test";
import { buildContainerCommand, type ContainerCommandInput } from "./container-command.ts";

const tools = { path: "/usr/sbin:/usr/bin", nsenter: "/usr/bin/nsenter" };

function command(input: Partial<ContainerCommandInput> = {}) {
  const base = {
    holderPid: 42,
    argv: ["app"],
    env: {},
    cwd: "/",
    uid: 7,
    gid: 8,
    capabilities: "none",
    steps: [],
  } as const;
  return buildContainerCommand({ ...base, ...input }, tools);
}

test("buildContainerCommand() passes every word of the program as it is", () => {
  const argv = ["/app/x y", "$HOME", "'", '"', "", "-c", "a=b"];
  assert.deepEqual(command({ argv }).argv.slice(-argv.length), argv);
});

test("buildContainerCommand() hides the program's variables from the tools, and from whoever lists processes", () => {
  const env = { PATH: "/app/bin", GCONV_PATH: "/app", "a.b": "1", "": "no", "a=b": "no" };
  const { argv, environment } = command({ env });
  assert.deepEqual(environment, {
    PATH: tools.path,
    meltemi_0: "PATH=/app/bin",
    meltemi_1: "GCONV_PATH=/app",
    meltemi_2: "a.b=1",
  });
  assert(!argv.join(" ").includes("/app/bin"));
  assert.deepEqual(argv.slice(-4), ["", "/", "3", "app"]);
});

test("buildContainerCommand() leaves privileges before any file of a volume's is run", () => {
  const bind = {
    verb: "bind",
    directory: "/a",
    subPath: "b",
    makesSubPath: true,
    options: ["rbind"],
  } as const;
  const { argv } = command({ steps: [{ ...bind, base: "/", rest: "data" }] });
  const at = argv.indexOf("meltemi-mounts");
  assert.deepEqual(argv.slice(at + 1, at + 11), [
    ...["1", "bind", "/a", "b", "0777", ".", "rbind", "", "data"],
    "/.meltemi/root/data",
  ]);
  assert.deepEqual(argv.slice(at + 11, at + 14), ["chroot", "/.meltemi/root", "setpriv"]);
  assert(!command().argv.includes("unshare"), "without mounts there is no further namespace");
});

test("buildContainerCommand() drops all capabilities, or all but those for the network", () => {
  assert(command().argv.includes("--bounding-set=-all"));
  assert(command({ capabilities: "network" }).argv.includes("--ambient-caps=-all,+net_admin,+net_raw"));
});
