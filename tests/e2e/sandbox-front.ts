// Stands in for the CLI: launches a mesh and does what a test asks over IPC; runs on a stand-in machine.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { startClusterDns } from "../../src/local/dns/cluster-dns.ts";
import { attachEgress, type Egress } from "../../src/local/front/egress.ts";
import {
  enterMeshCommand,
  launchSupervisor,
  type SupervisorProcess,
} from "../../src/local/front/launch-supervisor.ts";
import { type MachineAbility, probeMachine } from "../../src/local/front/machine-ability.ts";
import { requireTool } from "../../src/local/network/run-tool.ts";
import { askSupervisor, podCidr, serviceCidr, supervisorCommand } from "./mesh-under-test.ts";

export interface FrontCalls {
  probe(): MachineAbility;
  /** Launches the mesh; gives the supervisor's pid, as unshare's, in the stand-in's numbers. */
  launch(stateDirectory: string): { unsharePid: number; egress: boolean };
  mesh(request: { call: string; argument: unknown }): unknown;
  /** Answers HTTP on the stand-in's loopback; gives the port. */
  serve(text: string): number;
  /** Answers DNS as the stand-in's own resolver: the name's address. */
  serveName(record: { name: string; address: string }): undefined;
  /** Runs a command inside of the mesh, as `meltemi exec` does; gives what it writes. */
  enter(argv: readonly string[]): string;
  close(): undefined;
}

let supervisor: SupervisorProcess | undefined;
let egress: Egress | undefined;

const handlers = {
  probe: () => probeMachine(),
  async launch(stateDirectory: string) {
    const ability = await probeMachine();
    if (ability.kind === "unable") throw new Error(ability.sentence);
    const argv = supervisorCommand();
    supervisor = await launchSupervisor({ privilege: ability.privilege, stateDirectory, argv });
    if (ability.noEgress === undefined) egress = await attachEgress(supervisor.namespacesPid, { avoid: [] });
    const addresses = egress === undefined ? {} : { egress: egress.addresses };
    await askSupervisor(supervisor, "network", { stateDirectory, podCidr, serviceCidr, ...addresses });
    return { unsharePid: supervisor.namespacesPid, egress: egress !== undefined };
  },
  mesh({ call, argument }: { call: string; argument: unknown }) {
    if (supervisor === undefined) throw new Error("Not launched");
    return askSupervisor(supervisor, call, argument);
  },
  async serve(text: string) {
    const server = createServer((_, response) => response.end(text)).listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  },
  async serveName({ name, address }: { name: string; address: string }) {
    const dns = await startClusterDns({
      address: "127.0.0.1",
      upstreams: [],
      log: silentLogger,
      clock: systemClock,
    });
    dns.setRecords({ services: [], hosts: [{ name, addresses: [address] }] });
  },
  enter(argv: readonly string[]) {
    if (supervisor === undefined) throw new Error("Not launched");
    const privilege = process.geteuid?.() === 0 ? "root" : "user-namespace";
    return requireTool(enterMeshCommand(supervisor, { privilege, argv }));
  },
  async close() {
    await supervisor?.close();
    egress?.close();
    await egress?.ended;
  },
};

process.on("message", (message: { id: string; call: keyof typeof handlers; argument: never }) => {
  void Promise.resolve()
    .then(() => handlers[message.call](message.argument))
    .then(
      (result) => process.send?.({ id: message.id, result }),
      (cause: unknown) =>
        process.send?.({ id: message.id, failure: cause instanceof Error ? cause.stack : String(cause) }),
    );
});
process.send?.({ id: "ready" });
await once(process, "disconnect");
process.exit(0);
