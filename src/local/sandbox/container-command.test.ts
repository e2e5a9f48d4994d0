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

test("buildContainerCommand() keeps from the tools on the way what would change them", () => {
  const env = {
    PATH: "/app/bin",
    LD_PRELOAD: "/app/x.so",
    "a.b": "1",
    "": "no",
    "a=b": "no",
    HOME: "/home/a",
  };
  const { argv, environment } = command({ env });
  assert.deepEqual(environment, { HOME: "/home/a", PATH: tools.path });
  assert.deepEqual(argv.slice(argv.indexOf("env")), [
    "env",
    "PATH=/app/bin",
    "LD_PRELOAD=/app/x.so",
    "a.b=1",
    "app",
  ]);
});

test("buildContainerCommand() takes a mount namespace only for a container with mounts", () => {
  assert(!command().argv.includes("unshare"));
  const steps = [{ verb: "bind", source: "/a", target: "/b", options: "bind" }] as const;
  const { argv } = command({ steps });
  assert(argv.includes("unshare"));
  const at = argv.indexOf("meltemi-container");
  assert.deepEqual(argv.slice(at + 1, at + 8), ["/", "1", "bind", "/a", "/b", "bind", "setpriv"]);
});

test("buildContainerCommand() drops all capabilities, or all but those for the network", () => {
  assert(command().argv.includes("--bounding-set=-all"));
  assert(command({ capabilities: "network" }).argv.includes("--ambient-caps=-all,+net_admin,+net_raw"));
});
