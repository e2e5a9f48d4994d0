// What a pod tries to get out of its mesh: reads, signals, sockets, mounts. Prints one line of JSON: what it got, by name,
// each empty where it got nothing. Arguments: the mesh's state directory, the victim's address, its secret.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";

const [stateDirectory, victimIp, secret] = process.argv.slice(2);
const got = {};

function attempt(name, work) {
  try {
    got[name] = work() ?? "";
  } catch {
    got[name] = "";
  }
}

function processIds() {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0);
}

/** Every file below that can be read, by its path. */
function readableFiles(directory) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .join(" ");
}

function opens(path) {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(path);
    });
    socket.once("error", () => resolve(""));
  });
}

attempt("files of the mesh's state", () => readableFiles(stateDirectory));
attempt("files of all meshes' runtime", () => readableFiles("/run/meltemi"));
attempt("files of other pods", () => readableFiles("/.meltemi/pods"));
attempt("output of other pods", () => readableFiles("/.meltemi/pipes"));
attempt("sockets of the machine's services", () => readableFiles("/.machine-run"));
for (const socket of ["supervisor", "store", "control-plane"]) {
  got[`the mesh's ${socket} socket`] = await opens(join(stateDirectory, `${socket}.sock`));
}
for (const socket of ["sds", "admin", "agent", "app", "xds"]) {
  got[`the victim's ${socket} socket`] = await opens(`/run/meltemi/${victimIp}/${socket}.sock`);
}
got["the control plane's socket"] =
  (await opens("/run/meltemi/xds.sock")) || (await opens("/run/meltemi/control-plane/xds.sock"));
attempt("the victim's environment", () =>
  processIds()
    .filter((pid) => pid !== process.pid)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, "utf8").includes(`VICTIM=${secret}`);
      } catch {
        return false;
      }
    })
    .join(" "),
);
attempt("processes by the victim's words", () =>
  processIds()
    .filter((pid) => pid !== process.pid && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("victim"))
    .join(" "),
);
attempt("files of the first process", () => readdirSync("/proc/1/root").join(" "));
attempt("descriptors of the first process", () =>
  readdirSync("/proc/1/fd")
    .map((descriptor) => readlinkSync(`/proc/1/fd/${descriptor}`))
    .join(" "),
);
attempt("a link in place of /bin", () => {
  const target = readlinkSync("/bin");
  unlinkSync("/bin");
  symlinkSync(target, "/bin");
  return target;
});
attempt("a file in the root directory", () => writeFileSync("/attacker", "") ?? "written");
attempt("a mount", () => run("mount", "-t", "tmpfs", "attacker", "/tmp"));
attempt("a mount in a user namespace", () =>
  run("unshare", "-Urm", "mount", "-t", "tmpfs", "x", stateDirectory),
);
attempt("namespaces of the first process", () => run("nsenter", "--target=1", "--mount", "--net", "true"));
attempt("a network interface", () => run("ip", "link", "add", "attacker0", "type", "dummy"));
attempt("disks and memory", () =>
  readdirSync("/dev")
    .filter((name) => /^(sd|vd|nvme|mem|kmsg|loop)/.test(name))
    .join(" "),
);
attempt("capabilities", () => {
  const status = readFileSync("/proc/self/status", "utf8");
  const held = [...status.matchAll(/^Cap(?:Inh|Prm|Eff|Bnd|Amb):\s+(\w+)$/gm)].map(([, bits]) => bits);
  return held.every((bits) => /^0+$/.test(bits)) && /^NoNewPrivs:\s+1$/m.test(status) ? "" : held.join(" ");
});
for (const signal of ["SIGTERM", "SIGKILL"]) {
  for (const pid of processIds()) {
    try {
      if (pid !== process.pid && pid !== process.ppid) process.kill(pid, signal);
    } catch {
      // Refused, or gone.
    }
  }
}
process.stdout.write(`got ${JSON.stringify({ uid: process.getuid(), got })}\n`);
setInterval(() => undefined, 1_000_000);

function run(program, ...args) {
  execFileSync(program, args, { stdio: "ignore" });
  return "done";
}
