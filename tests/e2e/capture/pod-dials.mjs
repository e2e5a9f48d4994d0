// Runs as root in a pod's network namespace: puts rules in force, listens where proxy and app would, dials as told,
// and prints as JSON where each call arrived.
// Argument: {peerPid, envoy?: {path, bootstrap}, commands: [{command, input}], dials: [{from, uid, to}]}

import { spawn, spawnSync } from "node:child_process";
import { createServer } from "node:net";

const { peerPid, envoy, commands, dials } = JSON.parse(process.argv[2]);
const inPeer = ["nsenter", "-t", String(peerPid), "-n"];

for (const { command, input } of commands) {
  const { status, stderr } = spawnSync(command[0], command.slice(1), { input, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command.join(" ")} ended with ${status}: ${stderr}`);
}

const own = envoy === undefined ? [15001, 15006, 8080, 8081] : [15001, 8080, 8081];
await Promise.all(own.map((port) => listen(port, `pod:${port}`)));
const peer = startPeer();
await firstLine(peer.stdout);
const proxy = envoy === undefined ? undefined : startEnvoy();
process.on("exit", () => {
  peer.kill();
  proxy?.kill("SIGKILL");
});
if (proxy !== undefined) await untilListening(15006);
const found = [];
for (const dial of dials) found.push(await dialAs(dial));
console.log(JSON.stringify(found));
process.exit();

function listen(port, name) {
  return new Promise((ready) =>
    createServer((socket) =>
      socket.end(`${name} from ${socket.remoteAddress.replace("::ffff:", "")}`),
    ).listen(port, "::", ready),
  );
}

/** A machine outside the pod, at the other end of its link. */
function startPeer() {
  const program = `
    const { createServer } = require("node:net");
    const ports = [80, 3306];
    Promise.all(ports.map((port) => new Promise((ready) =>
      createServer((socket) => socket.end("peer:" + port)).listen(port, "::", ready)))).then(() => console.log("ready"));`;
  return spawn(inPeer[0], [...inPeer.slice(1), process.execPath, "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

function startEnvoy() {
  return spawn(
    envoy.path,
    ["--config-yaml", envoy.bootstrap, "--disable-hot-restart", "--concurrency", "1", "-l", "warning"],
    {
      stdio: ["ignore", "ignore", process.env.MELTEMI_TEST_DEBUG ? "inherit" : "ignore"],
    },
  );
}

async function untilListening(port) {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
    const { stdout } = spawnSync("ss", ["-Hltn", `sport = :${port}`], { encoding: "utf8" });
    if (stdout !== "") return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nobody listens on ${port}`);
}

/** What the one at the other end says, or why there is none. */
async function dialAs({ from, uid = 1000, to }) {
  const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(to);
  const program = `
    const done = (text) => { console.log(text); process.exit(); };
    require("node:net").connect(${port}, "${host}")
      .on("data", (data) => done(String(data))).on("error", (error) => done(error.code));
    setTimeout(() => done("no answer"), 3000);`;
  const argv = [process.execPath, "-e", program];
  const [command, ...args] = from === "peer" ? [...inPeer, ...argv] : argv;
  const identity = from === "peer" ? {} : { uid, gid: uid };
  const child = spawn(command, args, { ...identity, stdio: ["ignore", "pipe", "inherit"] });
  return (await firstLine(child.stdout)).trim();
}

function firstLine(stream) {
  return new Promise((resolve) => stream.once("data", (data) => resolve(String(data))));
}
