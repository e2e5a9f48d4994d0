// The process under test: the control plane as it is composed in production, with a made-up mesh in its tables,
// serving plaintext xDS on a unix socket. Its parent says by IPC when to change something, and asks what it cost.

import { readFileSync } from "node:fs";
import { systemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { GrpcServer } from "../../src/grpc/server.ts";
import { noAuthenticator } from "../../src/identity/authenticator.ts";
import type { KubernetesObject } from "../../src/kinds/define-kind.ts";
import { keyOf } from "../../src/model/sources.ts";
import { createControlPlane } from "../../src/plane/create-control-plane.ts";
import { requireIdentity } from "../../src/serving/authenticated-backend.ts";
import type { XdsMetrics } from "../../src/xds/backend.ts";
import { createXdsServer } from "../../src/xds/xds-server.ts";
import { changedService, endpointSlice, meshObjects, policy, virtualService } from "./mesh-objects.ts";
import type { MeshSize } from "./mesh-size.ts";
import type { ChangeKind, ControlPlaneUsage, Question } from "./process-protocol.ts";

async function main(size: MeshSize, socketPath: string): Promise<void> {
  const log = { ...silentLogger, error: reportFault, warn: reportFault };
  const plane = createControlPlane({ clock: systemClock, log });
  const put = (objects: readonly KubernetesObject[], removed: readonly KubernetesObject[] = []) =>
    plane.intake.change(
      objects.map((object) => ({ key: keyOf(object), object })),
      removed.map(keyOf),
    );
  put(meshObjects(size));
  plane.intake.flush();
  const counters = createCounters();
  const xds = createXdsServer(requireIdentity(plane.fleet, noAuthenticator), {
    clock: systemClock,
    log,
    metrics: counters.metrics,
  });
  // The clients share one process, which may be too busy for a while to answer a ping in time.
  const grpc = new GrpcServer({ clock: systemClock, log, random: Math.random, keepaliveTimeoutMs: 600_000 });
  await grpc.listen({ kind: "unix", path: socketPath }, { methods: xds.methods({ servesSecrets: false }) });
  const usage = (): ControlPlaneUsage => {
    const sessions = [...plane.fleet.sessions()];
    const { user, system } = process.cpuUsage();
    return {
      kind: "usage",
      cpuMs: (user + system) / 1_000,
      rssBytes: process.memoryUsage.rss(),
      peakRssBytes: readPeakRssBytes(),
      sessionCount: sessions.length,
      viewCount: new Set(sessions.map(({ view }) => view)).size,
      virtualServiceCount: plane.sources.VirtualService.size,
      ...counters.read(),
    };
  };
  process.on("message", (question: Question) => {
    if (question.kind === "change") {
      const { object, isRemoved } = changedObject(question.change, question.round, size);
      return isRemoved === true ? put([], [object]) : put([object]);
    }
    if (question.kind === "count-programmed")
      for (const [, object] of plane.sources.VirtualService.entries()) plane.fleet.programmed(keyOf(object));
    process.send?.(usage());
  });
  // Left by its parent, or told to stop: a profile is written on the way out.
  process.on("disconnect", () => process.exit(0));
  process.send?.(usage());
}

interface Change {
  readonly object: KubernetesObject;
  readonly isRemoved?: boolean;
}

function changedObject(change: ChangeKind, round: number, size: MeshSize): Change {
  const service = changedService(size);
  switch (change) {
    case "virtual-service":
      return { object: virtualService(service, 11 + round) };
    case "endpoint":
      return { object: endpointSlice(service, size, `10.250.0.${1 + round}`) };
    case "policy":
      return { object: policy("policy-0", `/round-${round}`) };
    case "policy-presence":
      return { object: policy("policy-new", "/new"), isRemoved: round % 2 === 1 };
  }
}

function createCounters() {
  const sent = { responseCount: 0, answeredCount: 0, rejectedCount: 0, resourceCount: 0, bytes: 0 };
  const metrics: XdsMetrics = {
    streamOpened: () => undefined,
    streamClosed: () => undefined,
    pushed(_type, { resourceCount, bytes }) {
      sent.responseCount += 1;
      sent.resourceCount += resourceCount;
      sent.bytes += bytes;
    },
    acknowledged() {
      sent.answeredCount += 1;
    },
    rejected() {
      sent.answeredCount += 1;
      sent.rejectedCount += 1;
    },
  };
  return { metrics, read: () => ({ ...sent }) };
}

/** The kernel's own mark; `resourceUsage().maxRSS` may still hold the parent's from before exec. */
function readPeakRssBytes(): number {
  const status = readFileSync("/proc/self/status", "utf8");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

function reportFault(fields: object, event: string): void {
  process.stderr.write(`control plane: ${event} ${JSON.stringify(fields)}\n`);
}

const [sizeText = "", socketPath = ""] = process.argv.slice(2);
await main(JSON.parse(sizeText), socketPath);
