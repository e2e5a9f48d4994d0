// What lies outside of the mesh, for a machine without the internet: servers of httpbin.org and others, the DNS server
// that the machine asks, and the authorities that it trusts. The real machine's files stay as they are.

import { randomInt } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decode, encode } from "dns-packet";
import { eventually } from "../mesh/eventually.ts";
import type { MeshMachine, RunningMesh } from "../mesh/running-mesh.ts";
import { makeServerCertificate, tlsSecret } from "../mesh/server-certificate.ts";

export interface Outside {
  /** Has the DNS server and the authorities. */
  readonly machine: MeshMachine;
  /** Resolves when the servers are ready and have their names. */
  open(mesh: RunningMesh): Promise<void>;
  close(): Promise<void>;
}

/** Deployments of manifests/outside.yaml by the names that they stand in for. */
const workloadsByHost = {
  "httpbin.org": "httpbin-org",
  "edition.cnn.com": "edition-cnn-com",
  "www.google.com": "www-google-com",
} as const;
const TLS_HOSTS = ["edition.cnn.com", "www.google.com"] as const;

const AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt";

export async function prepareOutside(): Promise<Outside> {
  const certificates = await Promise.all(TLS_HOSTS.map(makeServerCertificate));
  const ipsByHost = new Map<string, string>();
  const dns = await startDns(ipsByHost);
  const directory = await mkdtemp(join(tmpdir(), "meltemi-outside-"));
  const file = (name: string) => join(directory, name);
  await writeFile(file("resolv.conf"), `nameserver ${dns.address().address}\n`);
  // Each certificate is its own authority.
  await writeFile(file("authorities.crt"), certificates.map(({ certificatePem }) => certificatePem).join(""));
  return {
    machine: machineWith({ "/etc/resolv.conf": file("resolv.conf"), [AUTHORITIES]: file("authorities.crt") }),
    async open(mesh) {
      const secrets = certificates.map((certificate, index) => {
        const [name, namespace] = [workloadsByHost[TLS_HOSTS[index] ?? "edition.cnn.com"], "outside"];
        return tlsSecret(name, certificate, namespace);
      });
      await mesh.save("outside-secrets.yaml", secrets.join("---"));
      await mesh.save(
        "outside.yaml",
        await readFile(new URL("manifests/outside.yaml", import.meta.url), "utf8"),
      );
      for (const [host, workload] of Object.entries(workloadsByHost)) {
        ipsByHost.set(host, await readyIp(mesh, `outside/${workload}`));
      }
    },
    async close() {
      dns.close();
      await rm(directory, { recursive: true });
    },
  };
}

/** This machine, with files of ours in place of its own. */
function machineWith(files: Readonly<Record<string, string>>): MeshMachine {
  const mounts = Object.entries(files).map(([theirs, ours]) => `mount -n --bind "${ours}" "${theirs}"`);
  const script = `${mounts.join(" && ")} && exec "$@"`;
  return {
    enter: (argv) => ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", ...argv],
    env: process.env,
    uid: process.getuid?.() ?? 0,
  };
}

function readyIp(mesh: RunningMesh, workload: string): Promise<string> {
  return eventually(async () => {
    const [pod] = await mesh.pods(workload);
    const isReady = pod?.containers.every((container) => container.isReady) === true;
    if (pod?.ip === undefined || !isReady) throw new Error(`${workload} isn't ready`);
    return pod.ip;
  });
}

const DNS_PORT = 53;

/** On a loopback address of its own, as several may run at once. */
async function startDns(ipsByHost: ReadonlyMap<string, string>): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(DNS_PORT, `127.${randomInt(1, 255)}.${randomInt(256)}.${randomInt(1, 255)}`);
  await once(socket, "listening");
  socket.on("message", (bytes, { port, address }) => {
    const { id = 0, questions = [] } = decode(bytes);
    const [{ name, type } = { name: "", type: "A" }] = questions;
    const ip = ipsByHost.get(name.toLowerCase());
    const answers = ip !== undefined && type === "A" ? [{ type: "A", name, ttl: 60, data: ip } as const] : [];
    const NAME_ERROR = 3;
    const flags = 0x8180 | (ip === undefined ? NAME_ERROR : 0);
    socket.send(encode({ id, type: "response", flags, questions, answers }), port, address);
  });
  return socket;
}
