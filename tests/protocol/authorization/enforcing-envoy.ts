// One Envoy that enforces many sets of policies, each at an address of its own, and clients that call it with every
// identity, token and address that a policy can speak of.

import assert from "node:assert/strict";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { AuthorizationInputs } from "../../../src/view/authorization-inputs.ts";
import { type EnvoyProcess, makeSocketDirectory, startEnvoy } from "../envoy-process.ts";
import { cluster, endpoints } from "../mesh-resources.ts";
import { RecordingBackend, serve } from "../recording-backend.ts";
import { startAuthorizers } from "./authorizers.ts";
import type { Call } from "./call.ts";
import { callOverHttp, callOverTcp } from "./client.ts";
import { createCredentials } from "./credentials.ts";
import { enforcingListeners } from "./enforcing-listener.ts";
import type { Verdict } from "./evaluator.ts";

/** Where a set of policies is enforced; policies may name these. */
export interface Place {
  readonly addresses: readonly [string, string];
  readonly httpPorts: readonly [number, number];
  readonly tcpPort: number;
}

export interface EnforcingEnvoy {
  readonly envoy: EnvoyProcess;
  ask(call: Call): Promise<Verdict>;
}

/** Ports that nothing of this machine listens on, the same at every address. */
export async function freePlaces(count: number): Promise<readonly Place[]> {
  const servers = await Promise.all([1, 2, 3].map(() => listenAnywhere()));
  const [first = 0, second = 0, third = 0] = servers.map(portOf);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return Array.from({ length: count }, (_, index) => {
    const host = `${Math.floor(index / 250)}.${(index % 250) + 1}`;
    return {
      addresses: [`127.77.${host}`, `127.78.${host}`],
      httpPorts: [first, second],
      tcpPort: third,
    };
  });
}

/** A set of policies for each place. */
export async function startEnforcingEnvoy(
  t: TestContext,
  sets: readonly { readonly place: Place; readonly inputs: AuthorizationInputs }[],
): Promise<EnforcingEnvoy> {
  const credentials = await createCredentials();
  const echo = await startEcho(t);
  const authorizers = await startAuthorizers(t);
  const directory = makeSocketDirectory(t);
  const adsPath = join(directory, "xds.sock");
  const listeners = sets.flatMap(({ place, inputs }) => enforcingListeners(place, inputs, credentials));
  const backend = new RecordingBackend([
    ...[cluster("echo"), endpoints("echo", echo)],
    ...authorizers,
    ...listeners,
  ]);
  await serve(t, backend, { kind: "unix", path: adsPath });
  const envoy = startEnvoy(t, { directory, adsPath, variant: "DELTA_GRPC" });
  await envoy.untilLive();
  // Envoy is live before it has answered for every listener.
  await backend.until(
    "answered the listeners",
    ({ kind, ...event }) =>
      (kind === "acknowledged" || kind === "rejected") && "type" in event && event.type === "listener",
  );
  const refused = backend.events.flatMap((event) => (event.kind === "rejected" ? [event.detail] : []));
  assert.deepEqual(refused, []);
  const ask = (call: Call) =>
    call.transport === "http" ? callOverHttp(call, credentials) : callOverTcp(call, credentials);
  return { envoy, ask };
}

/** Answers every byte with itself. */
async function startEcho(t: TestContext): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return portOf(server);
}

async function listenAnywhere(): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return address.port;
}
