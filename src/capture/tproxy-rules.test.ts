import assert from "node:assert/strict";
import { test } from "node:test";
import { captureCommands, captureRemovalCommands } from "./capture-commands.ts";
import { type CaptureSettings, defaultCaptureSettings } from "./capture-settings.ts";

// The chains' names, their order and the two marks are Istio's, by which people read and other programs know them.

const settings: CaptureSettings = {
  ...defaultCaptureSettings,
  mode: "TPROXY",
  inboundPorts: "*",
  inboundPortsExcluded: [15090],
  dropInvalid: true,
};

/** What is between the line that opens iptables' table and the one that commits it. */
function tableOf(name: string, changes: Partial<CaptureSettings> = {}): readonly string[] {
  const [restore] = captureCommands({ ...settings, ...changes });
  const [, lines = ""] = (restore?.input ?? "").split(`* ${name}\n`);
  return (lines.split("COMMIT")[0] ?? "").trimEnd().split("\n");
}

test("captureCommands() marks and diverts for TPROXY in the mangle table", () => {
  assert.deepEqual(tableOf("mangle"), [
    "-N ISTIO_DROP",
    "-N ISTIO_DIVERT",
    "-N ISTIO_TPROXY",
    "-N ISTIO_INBOUND",
    "-A PREROUTING -m conntrack --ctstate INVALID -j ISTIO_DROP",
    "-A ISTIO_DROP -j DROP",
    "-A ISTIO_DIVERT -j MARK --set-mark 1337",
    "-A ISTIO_DIVERT -j ACCEPT",
    "-A ISTIO_TPROXY ! -d 127.0.0.1/32 -p tcp -j TPROXY --tproxy-mark 1337/0xffffffff --on-port 15006",
    "-A PREROUTING -p tcp -j ISTIO_INBOUND",
    "-A ISTIO_INBOUND -p tcp --dport 15090 -j RETURN",
    "-A ISTIO_INBOUND -p tcp -m conntrack --ctstate RELATED,ESTABLISHED -j ISTIO_DIVERT",
    "-A ISTIO_INBOUND -p tcp -j ISTIO_TPROXY",
    "-A PREROUTING -p tcp -m mark --mark 1337 -j CONNMARK --save-mark",
    "-A OUTPUT -p tcp -o lo -m mark --mark 1337 -j RETURN",
    "-A OUTPUT ! -d 127.0.0.1/32 -p tcp -o lo -m owner --uid-owner 1337 -j MARK --set-mark 1338",
    "-A OUTPUT ! -d 127.0.0.1/32 -p tcp -o lo -m owner --gid-owner 1337 -j MARK --set-mark 1338",
    "-A OUTPUT -p tcp -m connmark --mark 1337 -j CONNMARK --restore-mark",
    "-I ISTIO_INBOUND 1 -p tcp -m mark --mark 1337 -j RETURN",
    "-I ISTIO_INBOUND 2 -p tcp -s 127.0.0.6/32 -i lo -j RETURN",
    "-I ISTIO_INBOUND 3 -p tcp -i lo -m mark ! --mark 1338 -j RETURN",
  ]);
});

test("captureCommands() captures the listed ports alone, and none of an empty list", () => {
  const inbound = (inboundPorts: readonly number[]) =>
    tableOf("mangle", { inboundPorts }).filter((line) => / ISTIO_(INBOUND|TPROXY)$/.test(line));
  assert.deepEqual(inbound([80, 443]), [
    "-N ISTIO_TPROXY",
    "-N ISTIO_INBOUND",
    "-A PREROUTING -p tcp -j ISTIO_INBOUND",
    "-A ISTIO_INBOUND -p tcp --dport 80 -j ISTIO_TPROXY",
    "-A ISTIO_INBOUND -p tcp --dport 443 -j ISTIO_TPROXY",
  ]);
  assert.deepEqual(
    inbound([]).filter((line) => line.startsWith("-A")),
    [],
  );
});

test("captureCommands() leaves interfaces out, in and out, and takes what a machine in the pod sends for outbound", () => {
  const changes = { excludedInterfaces: ["net1"], rerouteInterfaces: ["tap0"] };
  const excluded = ["-A PREROUTING -i net1 -j RETURN", "-A OUTPUT -o net1 -j RETURN"];
  assert.deepEqual(
    tableOf("mangle", changes).filter((line) => line.includes("net1")),
    excluded,
  );
  const nat = tableOf("nat", changes).filter((line) => /net1|tap0/.test(line));
  assert.deepEqual(nat.slice(0, 3), [...excluded, "-I PREROUTING 1 -i tap0 -j RETURN"]);
  const redirected = tableOf("nat", { ...changes, mode: "REDIRECT" });
  assert.ok(!captureCommands({ ...settings, ...changes, mode: "REDIRECT" })[0]?.input.includes("TPROXY"));
  assert.deepEqual(
    redirected.filter((line) => line.includes("net1")),
    excluded,
  );
});

test("captureCommands() gives nft the same rules, those before the others by their place", () => {
  const [{ command = [], input = "" } = {}] = captureCommands(settings, "nft");
  assert.deepEqual(command, ["nft", "-f", "-"]);
  const lines = input.split("\n");
  const mangle = (text: string) => lines.filter((line) => line.includes(`istio-proxy-mangle ${text}`));
  const table = "inet istio-proxy-mangle";
  assert.deepEqual(
    [...mangle("prerouting {"), ...mangle("output {")],
    [
      `add chain ${table} prerouting { type filter hook prerouting priority -150 ; }`,
      `add chain ${table} output { type route hook output priority -150 ; }`,
    ],
  );
  assert.deepEqual(
    lines.filter((line) => line.startsWith("insert")),
    [
      `insert rule ${table} istio-inbound index 0 meta l4proto tcp meta mark 1337 counter return`,
      `insert rule ${table} istio-inbound index 1 meta l4proto tcp ip saddr 127.0.0.6/32 iifname "lo" counter return`,
      `insert rule ${table} istio-inbound index 2 meta l4proto tcp iifname "lo" meta mark != 1338 counter return`,
    ],
  );
  assert.deepEqual(mangle("istio-tproxy "), [
    `add rule ${table} istio-tproxy ip daddr != 127.0.0.1/32 meta l4proto tcp counter tproxy ip to :15006 meta mark set 1337 accept`,
  ]);
});

test("captureRemovalCommands() takes each jump away before its chain, and the routes of marked packets", () => {
  const commands = captureRemovalCommands(settings).map(({ command }) => command.join(" "));
  const made = [...tableOf("mangle"), ...tableOf("nat")];
  const jumps = made.filter((line) => /^-A (PREROUTING|OUTPUT) /.test(line));
  const chains = made.filter((line) => line.startsWith("-N "));
  assert.ok(jumps.length > 5 && chains.length > 5);
  const removed = commands.map((command) => command.replace(/^iptables --wait -t \w+ /, ""));
  assert.deepEqual(
    removed.filter((line) => line.startsWith("-D ")),
    jumps.map((line) => line.replace("-A", "-D")),
  );
  for (const step of ["-F", "-X"]) {
    assert.deepEqual(
      removed.filter((line) => line.startsWith(`${step} `)),
      chains.map((line) => line.replace("-N", step)),
    );
  }
  assert.ok(removed.indexOf("-D OUTPUT -j ISTIO_OUTPUT") < removed.indexOf("-X ISTIO_OUTPUT"));
  assert.deepEqual(commands.slice(-2), [
    "ip -4 rule del fwmark 1337 lookup 133",
    "ip -4 route flush table 133",
  ]);
  const redirecting = captureRemovalCommands({ ...settings, mode: "REDIRECT", ipv6: true });
  assert.deepEqual(
    redirecting.map(({ command }) => command.join(" ")).filter((line) => line.startsWith("ip ")),
    ["ip -6 addr del ::6/128 dev lo"],
  );
});
