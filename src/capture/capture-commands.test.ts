import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import type { CaptureCommand } from "./capture-command.ts";
import { captureCommands } from "./capture-commands.ts";
import type { CaptureSettings } from "./capture-settings.ts";
import { defaultCaptureSettings } from "./capture-settings.ts";

const isRoot = process.getuid?.() === 0;
const hasTools = ["unshare", "ip", "iptables-restore"].every((program) =>
  (process.env.PATH ?? "").split(delimiter).some((directory) => existsSync(join(directory, program))),
);
const skip = isRoot && hasTools ? false : "needs root, unshare, iproute2 and iptables";

const settings: CaptureSettings = {
  ...defaultCaptureSettings,
  inboundPorts: "*",
  inboundPortsExcluded: [15090, 15021, 15020],
  outboundRanges: "*",
};

test("captureCommands() gives one restore a family, and IPv6 the proxy's source towards the app", () => {
  const commands = captureCommands({ ...settings, ipv6: true }).map(({ command }) => command.join(" "));
  assert.deepEqual(commands, [
    "iptables-restore --noflush --wait",
    "ip6tables-restore --noflush --wait",
    "ip -6 addr replace ::6/128 dev lo",
  ]);
});

test("captureCommands() routes marked packets to loopback for TPROXY", () => {
  const commands = captureCommands({ ...settings, mode: "TPROXY" }).map(({ command }) => command.join(" "));
  assert.deepEqual(commands.slice(1), [
    "ip -4 rule add fwmark 1337 lookup 133",
    "ip -4 route add local default dev lo table 133",
  ]);
});

test("captureCommands() are accepted in a fresh namespace and list back", { skip }, () => {
  for (const mode of ["REDIRECT", "TPROXY"] as const) {
    const dns = { kind: "servers", ipv4: ["10.96.0.10"], ipv6: [] } as const;
    const commands = captureCommands({ ...settings, mode, dns, dropInvalid: true });
    const listed = inNamespace(commands, "iptables -t nat -S ISTIO_OUTPUT; iptables -t raw -S OUTPUT");
    assert.match(listed, /-A ISTIO_OUTPUT -m owner --uid-owner 1337 -j RETURN/);
    assert.match(listed, /-A OUTPUT -j ISTIO_OUTPUT_DNS/);
  }
});

test("captureCommands() lead an app's call to the outbound listener", { skip }, () => {
  assert.equal(dial({ uid: 1000, to: "10.9.0.2:80" }), "arrived at 15001");
});

test("captureCommands() lead the proxy's call to its own pod to the inbound listener", { skip }, () => {
  assert.equal(dial({ uid: 1337, to: "10.9.0.1:8080" }), "arrived at 15006");
});

test("captureCommands() let an app call itself directly", { skip }, () => {
  assert.equal(dial({ uid: 1000, to: "10.9.0.1:8080" }), "arrived at 8080");
});

test("captureCommands() let the proxy out", { skip }, () => {
  assert.match(dial({ uid: 1337, to: "10.9.0.2:80" }), /EHOSTUNREACH|ETIMEDOUT|no answer/);
});

/** Runs the commands and then a shell line in a network namespace that ends with it. */
function inNamespace(commands: readonly CaptureCommand[], then: string): string {
  const setUp = [
    "ip link set lo up",
    "ip link add br0 type bridge",
    "ip addr add 10.9.0.1/24 dev br0",
    "ip link set br0 up",
  ];
  const steps = commands.map(({ command, input }) =>
    input === "" ? command.join(" ") : `${command.join(" ")} <<'RULES'\n${input}RULES`,
  );
  const script = ["set -e", ...setUp, ...steps, then].join("\n");
  const { status, stdout, stderr } = spawnSync("unshare", ["--net", "sh", "-c", script], {
    encoding: "utf8",
    timeout: 30_000,
  });
  assert.equal(status, 0, stderr);
  return stdout;
}

function dial({ uid, to }: { readonly uid: number; readonly to: string }): string {
  const [host, port] = to.split(":");
  const program = `
    const net = require("node:net");
    const done = (text) => { console.log(text); process.exit(); };
    const listen = (port) => new Promise((ready) =>
      net.createServer((socket) => socket.end("arrived at " + port)).listen(port, "0.0.0.0", ready));
    Promise.all([15001, 15006, 8080].map(listen)).then(() => {
      process.setgid(${uid}); process.setuid(${uid});
      net.connect(${port}, "${host}").on("data", (data) => done(String(data))).on("error", (error) => done(error.code));
      setTimeout(() => done("no answer"), 5000);
    });`;
  return inNamespace(captureCommands(settings), `'${process.execPath}' -e '${program}'`).trim();
}
