// What a container's process sees and may do: its volumes, its user, no privileges, and its end.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { listenAndPass } from "../../src/local/front/pass-listener.ts";
import type { ContainerMount } from "../../src/local/sandbox/mount-plan.ts";
import { skipWithoutRoot, skipWithoutTun, startMesh } from "./mesh-under-test.ts";

const app = { uid: 1_000, gid: 1_000, env: { PATH: "/usr/bin:/bin" } };
const pod = { podKey: "shop/a", hostname: "a", dnsSearch: [] };

test("spawn() shows volumes where they are wanted, and leaves the machine's files alone", {
  skip: skipWithoutRoot,
}, async (t) => {
  const mesh = await startMesh(t);
  const volume = join(mesh.stateDirectory, "volume");
  mkdirSync(join(volume, "inner"), { recursive: true, mode: 0o755 });
  writeFileSync(join(volume, "greeting"), "hello\n");
  const before = [readdirSync("/"), readdirSync("/etc"), readdirSync("/usr/share"), readdirSync("/run")];
  await mesh.call("pod", { ...pod, directories: [volume] });
  const origin = "pod";
  const mounts = [
    { origin, source: volume, target: "/meltemi-test/deep" },
    { origin, source: volume, target: "/etc/meltemi-test" },
    { origin, source: volume, target: "/var/run/secrets/meltemi-test", readOnly: true },
    { origin, source: volume, target: "/usr/share/meltemi-test/html" },
    { origin, source: volume, target: "/etc/meltemi-single", subPath: "greeting" },
    { origin, source: join(volume, "inner"), target: "/meltemi-test/deep/made" },
  ] as const;
  const script = `cat /meltemi-test/deep/greeting /etc/meltemi-test/greeting /var/run/secrets/meltemi-test/greeting /usr/share/meltemi-test/html/greeting /etc/meltemi-single
touch /var/run/secrets/meltemi-test/x 2>&1 | grep -o Read-only
ls -d /meltemi-test/deep/made /usr/share/doc /etc/passwd /etc/ssl`;
  const outcome = await mesh.call("run", {
    pod: pod.podKey,
    ...app,
    uid: 0,
    gid: 0,
    argv: ["sh", "-c", script],
    mounts,
  });
  assert.equal(
    outcome.stdout,
    `${"hello\n".repeat(5)}Read-only\n/etc/passwd\n/etc/ssl\n/meltemi-test/deep/made\n/usr/share/doc\n`,
    outcome.stderr,
  );
  const other = await mesh.call("run", {
    pod: pod.podKey,
    ...app,
    argv: ["cat", "/etc/meltemi-test/greeting"],
  });
  assert.equal(other.code, 1, "another container doesn't see the volume");
  const after = [readdirSync("/"), readdirSync("/etc"), readdirSync("/usr/share"), readdirSync("/run")];
  assert.deepEqual(after, before);
});

test("spawn() follows no link that an app made in its volume, and runs no tool of a volume's", {
  skip: skipWithoutRoot,
}, async (t) => {
  const mesh = await startMesh(t);
  const volume = join(mesh.stateDirectory, "volume");
  const outside = join(mesh.stateDirectory, "outside");
  mkdirSync(join(volume, "bin"), { recursive: true, mode: 0o755 });
  mkdirSync(outside, { mode: 0o777 });
  writeFileSync(join(outside, "secret"), "secret\n");
  symlinkSync("/", join(volume, "root"));
  symlinkSync(outside, join(volume, "link"));
  symlinkSync("/etc/shadow", join(volume, "file"));
  writeFileSync(join(volume, "empty"), "");
  for (const tool of ["setpriv", "sh", "env", "mount", "chroot"]) {
    writeFileSync(join(volume, "bin", tool), `#!/usr/bin/dash\ntouch ${outside}/ran-$0\n`, { mode: 0o755 });
  }
  await mesh.call("pod", { ...pod, directories: [volume] });
  const whole = { source: volume, origin: "pod", target: "/data" } as const;
  const run = (mounts: readonly ContainerMount[], argv: readonly string[] = ["true"]) =>
    mesh.call("run", { pod: pod.podKey, ...app, argv, mounts });
  const refused: readonly (readonly ContainerMount[])[] = [
    [{ ...whole, subPath: "root/etc" }],
    [{ ...whole, subPath: "link/made" }],
    [{ ...whole, subPath: "file" }],
    [whole, { ...whole, target: "/data/link/made" }],
    [whole, { ...whole, target: "/data/root/meltemi-made" }],
    [whole, { ...whole, subPath: "empty", target: "/data/file" }],
  ];
  for (const mounts of refused) {
    const { code, stderr } = await run(mounts);
    assert.equal(code, 125, JSON.stringify(mounts));
    assert.match(stderr, /leads out by a link|isn't a directory there|isn't a file there/);
  }
  assert.deepEqual(readdirSync(outside), ["secret"]);
  assert(!readdirSync("/").includes("meltemi-made"));
  // Several times: what goes before the mounts and what after is not a matter of who is faster.
  for (let round = 0; round < 5; round += 1) {
    const covered = await run([
      { ...whole, subPath: "bin", target: "/usr/bin" },
      { ...whole, subPath: "empty", target: "/etc/ld.so.preload" },
    ]);
    assert.deepEqual(readdirSync(outside), ["secret"], covered.stderr);
  }
});

test("mountObjection() says in a sentence what can't be mounted", { skip: skipWithoutRoot }, async (t) => {
  const mesh = await startMesh(t);
  await mesh.call("pod", pod);
  const objection = await mesh.call("objection", {
    pod: pod.podKey,
    ...app,
    argv: [],
    mounts: [{ source: "/nowhere/at/all", target: "/data", origin: "machine" }],
  });
  assert.equal(objection, 'Cannot mount "/nowhere/at/all" at "/data": it doesn\'t exist');
});

test("spawn() drops privileges, keeps the environment whole, and starts in its directory", {
  skip: skipWithoutRoot,
}, async (t) => {
  const mesh = await startMesh(t);
  await mesh.call("pod", pod);
  const env = { PATH: "/usr/bin:/bin", "with.dots-and-dashes": "kept", QUOTED: `a "b" 'c' $d` };
  const run = (options: object) =>
    mesh.call("run", { pod: pod.podKey, ...app, env, cwd: "/usr", argv: [], ...options });
  const plain = await run({
    argv: ["sh", "-c", "id -u; pwd; grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status"],
  });
  assert.equal(
    plain.stdout,
    "1000\n/usr\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1\n",
    plain.stderr,
  );
  const network = await run({
    argv: ["grep", "CapEff", "/proc/self/status"],
    capabilities: "network",
    uid: 1_337,
  });
  assert.equal(network.stdout, "CapEff:\t0000000000003000\n");
  const seen = await run({ argv: ["env"] });
  assert.match(seen.stdout, /^with\.dots-and-dashes=kept$/m);
  assert.match(seen.stdout, /^QUOTED=a "b" 'c' \$d$/m);
});

test("spawn() gives output that a program can open by its path, as often as wanted", {
  skip: skipWithoutRoot,
}, async (t) => {
  const mesh = await startMesh(t);
  await mesh.call("pod", pod);
  const script = "echo one > /dev/stdout; echo two >> /proc/self/fd/1; echo three > /dev/stderr";
  const outcomes = await Promise.all(
    Array.from({ length: 12 }, () =>
      mesh.call("run", { pod: pod.podKey, ...app, argv: ["sh", "-c", script] }),
    ),
  );
  outcomes.push(await mesh.call("run", { pod: pod.podKey, ...app, argv: ["sh", "-c", script] }));
  for (const outcome of outcomes)
    assert.deepEqual(outcome, { code: 0, stdout: "one\ntwo\n", stderr: "three\n" });
});

test("spawn() makes files under a closed directory reachable for the program's user", {
  skip: skipWithoutRoot,
}, async (t) => {
  const mesh = await startMesh(t);
  await mesh.call("pod", pod);
  const closed = mkdtempSync(`/root/.meltemi-test-${process.pid}-`);
  t.after(() => rmSync(closed, { recursive: true }));
  mkdirSync(join(closed, "app"), { mode: 0o755 });
  const program = join(closed, "app", "program");
  writeFileSync(program, '#!/bin/sh\npwd\nls -A "$(dirname "$PWD")"\n', { mode: 0o755 });
  writeFileSync(join(closed, "secret"), "");
  const outcome = await mesh.call("run", {
    pod: pod.podKey,
    ...app,
    cwd: join(closed, "app"),
    argv: [program],
    reachable: [join(closed, "app"), program],
  });
  assert.equal(outcome.stdout, `${join(closed, "app")}\napp\n`, outcome.stderr);
});

test("close() kills what has left its parent and its group, and the address can be used again", {
  skip: skipWithoutRoot,
}, async (t) => {
  const mesh = await startMesh(t);
  const first = await mesh.call("pod", pod);
  await mesh.call("start", {
    pod: pod.podKey,
    ...app,
    argv: ["sh", "-c", "setsid sh -c 'setsid sleep 313 & sleep 313' & echo ready; exec sleep 313"],
  });
  const sleepers = async () => (await mesh.call("inMesh", ["pgrep", "-fc", "^sleep 313"])).stdout.trim();
  // "ready" is written before the last of them has become a sleep.
  const deadline = Date.now() + 10_000;
  while ((await sleepers()) !== "3") assert(Date.now() < deadline);
  await mesh.call("closePod", pod.podKey);
  assert.equal(await sleepers(), "0");
  assert(!(await mesh.call("inMesh", ["ip", "-o", "link"])).stdout.includes("mlt"));
  assert.equal((await mesh.call("pod", pod)).ip, first.ip);
});

test("openSockets() listens inside of the pod for the supervisor", { skip: skipWithoutRoot }, async (t) => {
  const mesh = await startMesh(t);
  await mesh.call("pod", pod);
  await mesh.call("answerIn", { pod: pod.podKey, port: 15_053 });
  const source = `
const net = require("node:net"), dgram = require("node:dgram");
net.connect(15053, "127.0.0.1").on("data", (d) => console.log("tcp " + d)).on("close", () => {
  const socket = dgram.createSocket("udp4").on("message", (d) => { console.log("udp " + d); socket.close(); });
  socket.send("?", 15053, "127.0.0.1");
});`;
  const outcome = await mesh.call("run", { pod: pod.podKey, ...app, argv: [process.execPath, "-e", source] });
  assert.equal(outcome.stdout, "tcp from the supervisor\nudp from the supervisor\n", outcome.stderr);
  await assert.rejects(mesh.call("answerIn", { pod: pod.podKey, port: 15_053 }), /EADDRINUSE/);
});

test("restore() applies capture rules in the pod alone", { skip: skipWithoutRoot }, async (t) => {
  const mesh = await startMesh(t);
  await mesh.call("pod", pod);
  const ipv4 =
    "*nat\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -d 192.0.2.9/32 -p tcp -j REDIRECT --to-ports 9999\nCOMMIT\n";
  await mesh.call("restore", { pod: pod.podKey, ipv4 });
  const source = `require("node:net").createServer((s) => s.end("redirected")).listen(9999, () =>
    require("node:net").connect(80, "192.0.2.9").on("data", (d) => { console.log(String(d)); process.exit(); }))`;
  const outcome = await mesh.call("run", { pod: pod.podKey, ...app, argv: [process.execPath, "-e", source] });
  assert.equal(outcome.stdout, "redirected\n", outcome.stderr);
  assert(!(await mesh.call("inMesh", ["iptables-save"])).stdout.includes("192.0.2.9"));
});

test("a listener on the machine's loopback reaches a pod", { skip: skipWithoutRoot }, async (t) => {
  const mesh = await startMesh(t);
  const { ip } = await mesh.call("pod", pod);
  const source = `require("node:http").createServer((q, r) => q.pipe(r)).listen(8080, () => console.log("up"))`;
  await mesh.call("start", { pod: pod.podKey, ...app, argv: [process.execPath, "-e", source] });
  await mesh.call("forward", { host: ip, port: 8_080 });
  const outcome = await listenAndPass(mesh.supervisor.channel, { name: "gateway", port: 0 });
  assert(outcome.kind === "listening");
  const body = "x".repeat(3_000_000);
  const response = await fetch(`http://127.0.0.1:${outcome.listener.port}/`, { method: "POST", body });
  assert.equal((await response.text()).length, body.length);
  const taken = await listenAndPass(mesh.supervisor.channel, { name: "again", port: outcome.listener.port });
  assert.deepEqual(taken, { kind: "refused", code: "EADDRINUSE" });
});

test("a pod reaches the machine's loopback as host.meltemi.internal", {
  skip: skipWithoutRoot || skipWithoutTun,
}, async (t) => {
  const server = createServer((_, response) => response.end("from the machine"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const mesh = await startMesh(t, { withEgress: true });
  await mesh.call("pod", pod);
  const source = `fetch("http://host.meltemi.internal:${port}/").then((r) => r.text()).then(console.log)`;
  const outcome = await mesh.call("run", { pod: pod.podKey, ...app, argv: [process.execPath, "-e", source] });
  assert.equal(outcome.stdout, "from the machine\n", outcome.stderr);
});

test("two meshes side by side use the same addresses and don't meet", {
  skip: skipWithoutRoot,
}, async (t) => {
  const meshes = await Promise.all([startMesh(t), startMesh(t)]);
  const source = (text: string) =>
    `require("node:http").createServer((_, r) => r.end("${text}")).listen(80, () => console.log("up"))`;
  const ips = await Promise.all(
    meshes.map(async (mesh, at) => {
      const { ip } = await mesh.call("pod", pod);
      await mesh.call("start", {
        pod: pod.podKey,
        ...app,
        argv: [process.execPath, "-e", source(`mesh ${at}`)],
      });
      await mesh.call("pod", { ...pod, podKey: "shop/client" });
      return ip;
    }),
  );
  assert.equal(ips[0], ips[1]);
  for (const [at, mesh] of meshes.entries()) {
    const outcome = await mesh.call("run", {
      pod: "shop/client",
      ...app,
      argv: ["curl", "-s", `http://${ips[0]}/`],
    });
    assert.equal(outcome.stdout, `mesh ${at}`, outcome.stderr);
  }
});
