// Runs as root in a fresh network namespace: one injected pod that captures DNS, a resolver that knows one name, and an
// application that asks it. Prints what the application heard as JSON; the test judges it.

import { spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decode, encode } from "dns-packet";
import { APP, PROXY, prepareInjectedPod, run, setUpNetwork, shopObjects } from "./injected-pod.ts";
import { startPodControlPlane } from "./pod-control-plane.ts";

const [directory = "", programPath = "", envoyPath = "", questions = ""] = process.argv.slice(2);
const RESOLVER = "10.96.0.10";

const entries = `
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: databases, namespace: shop }
spec:
  hosts: [one.db.example, two.db.example]
  ports: [{ number: 5432, name: tcp, protocol: TCP }]
  resolution: DNS
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: wild, namespace: shop }
spec:
  hosts: ["*.wild.example"]
  addresses: [10.97.0.5, "fd00:97::5"]
  ports: [{ number: 5432, name: tcp, protocol: TCP }]
  resolution: NONE
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: private, namespace: elsewhere }
spec:
  hosts: [private.example]
  addresses: [10.97.0.9]
  exportTo: ["."]
  ports: [{ number: 5432, name: tcp, protocol: TCP }]
  resolution: NONE
`;

setUpNetwork();
spawnSync("ip", ["addr", "add", `${RESOLVER}/32`, "dev", "br0"]);
const heard = await startResolver();
const controlPlane = await startPodControlPlane(15012, shopObjects + entries);
const place = { directory, programPath, envoyPath, controlPlane };
const pod = prepareInjectedPod({ ...place, proxyMetadata: { ISTIO_META_DNS_CAPTURE: "true" } });
writeFileSync(
  join(directory, "etc/resolv.conf"),
  `nameserver ${RESOLVER}\nsearch shop.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n`,
);
const captured = await pod.runAgent([...pod.initArgs, "--redirect-dns"], { uid: 0, gid: 0 });
const agent = pod.startProxy();
const log: string[] = [];
for (const stream of [agent.stdout, agent.stderr]) stream?.on("data", (data) => log.push(String(data)));
const waited = await pod.runAgent(["wait", "--timeoutSeconds", "20"], PROXY);
const program = fileURLToPath(new URL("ask-dns.mjs", import.meta.url));
const asked = await run([process.execPath, program, RESOLVER, questions], APP);
agent.kill("SIGTERM");
const [exitCode] = await once(agent, "exit");
const answers = asked.stdout.trim().split("\n");
console.log(JSON.stringify({ captured, waited, asked, answers, heard, exitCode, log: log.join("") }));
process.exit();

/** Knows `outside.example`; returns the names that it is asked for. */
async function startResolver(): Promise<readonly string[]> {
  const names: string[] = [];
  const socket = createSocket("udp4");
  socket.on("message", (bytes, from) => {
    const query = decode(bytes);
    const name = query.questions?.[0]?.name ?? "";
    names.push(name);
    const isKnown = name === "outside.example";
    const reply = encode({
      type: "response",
      id: query.id ?? 0,
      flags: isKnown ? 0x80 : 0x83,
      questions: query.questions ?? [],
      answers: isKnown ? [{ type: "A", name, ttl: 5, data: "192.0.2.9" }] : [],
    });
    socket.send(reply, from.port, from.address);
  });
  socket.bind(53, RESOLVER);
  await once(socket, "listening");
  return names;
}
