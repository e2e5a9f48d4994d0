// Istio's traffic tasks in the order of their commands, from a clean mesh: examples/tasks, step by step. Each step
// says what was seen.

import { existsSync } from "node:fs";
import { after, before, describe } from "node:test";
import { skipWithoutMesh as skip } from "../mesh/running-mesh.ts";
import { tryCircuitBreaking } from "./circuit-breaking.ts";
import { tryEgressControl } from "./egress-control.ts";
import { tryEgressGateway } from "./egress-gateway.ts";
import { tryEgressGatewayTlsOrigination } from "./egress-gateway-tls-origination.ts";
import { tryEgressTlsOrigination } from "./egress-tls-origination.ts";
import { tryFaultInjection } from "./fault-injection.ts";
import { tryIngressControl } from "./ingress-control.ts";
import { tryIngressSniPassthrough } from "./ingress-sni-passthrough.ts";
import { tryLocalityLoadBalancing } from "./locality-load-balancing.ts";
import { tryMirroring } from "./mirroring.ts";
import { tryMtlsMigration } from "./mtls-migration.ts";
import type { Outside } from "./outside.ts";
import { prepareOutside } from "./outside.ts";
import { tryRequestRouting } from "./request-routing.ts";
import { tryRequestTimeouts } from "./request-timeouts.ts";
import { trySecureIngress } from "./secure-ingress.ts";
import type { TaskMesh } from "./task-mesh.ts";
import { startTaskMesh } from "./task-mesh.ts";
import { tryTcpTrafficShifting } from "./tcp-traffic-shifting.ts";
import { tryTrafficShifting } from "./traffic-shifting.ts";

// Without it pods have no way to the machine's resolver.
const skipWithoutTun = existsSync("/dev/net/tun") ? false : "needs /dev/net/tun";

describe("Istio's tasks", { skip }, () => {
  let outside: Outside;
  let tasks: TaskMesh;

  before(
    async () => {
      outside = await prepareOutside();
      tasks = await startTaskMesh(outside.machine);
    },
    { timeout: 120_000 },
  );
  after(async () => {
    await tasks?.close();
    await outside?.close();
  });

  const tasksOf = () => tasks;
  type DeclareSteps = (of: typeof tasksOf) => void;

  /** Istio's tasks share their applications, and clean up their rules alone. */
  function tasksWith(apps: readonly string[], declareStepsByTask: Readonly<Record<string, DeclareSteps>>) {
    describe(`with ${apps.join(", ") || "the platform"}`, () => {
      before(() => tasks.apply(...apps));
      after(() => tasks.cleanUp());
      for (const [name, declareSteps] of Object.entries(declareStepsByTask)) {
        describe(name, () => {
          after(() => tasks.cleanUp(apps));
          declareSteps(tasksOf);
        });
      }
    });
  }

  tasksWith(["apps/bookinfo"], {
    "request routing": tryRequestRouting,
    "fault injection": tryFaultInjection,
    "traffic shifting": tryTrafficShifting,
    "request timeouts": tryRequestTimeouts,
  });
  tasksWith(["tcp-traffic-shifting/0-apps"], { "TCP traffic shifting": tryTcpTrafficShifting });
  tasksWith(["apps/httpbin", "circuit-breaking/0-apps"], { "circuit breaking": tryCircuitBreaking });
  tasksWith(["mirroring/0-apps"], { mirroring: tryMirroring });
  tasksWith(["locality-load-balancing/0-apps"], { "locality load balancing": tryLocalityLoadBalancing });
  tasksWith(["apps/httpbin"], {
    "ingress control": tryIngressControl,
    "secure ingress": trySecureIngress,
  });
  tasksWith(["secrets/nginx-server-certs", "ingress-sni-passthrough/0-apps"], {
    "ingress without TLS termination": tryIngressSniPassthrough,
  });
  describe("with servers outside", { skip: skipWithoutTun }, () => {
    before(() => outside.open(tasks.mesh), { timeout: 60_000 });
    tasksWith([], {
      "egress control": tryEgressControl,
      "egress TLS origination": tryEgressTlsOrigination,
      "egress gateways": tryEgressGateway,
      "egress gateways with TLS origination": tryEgressGatewayTlsOrigination,
    });
  });
  tasksWith(["mtls-migration/0-apps"], { "mutual TLS migration": tryMtlsMigration });
});
