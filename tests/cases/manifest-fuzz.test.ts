// Hostile manifests, by the thousands, through the real reader, controllers and volumes onto a file system that only
// takes notes: nothing is thrown, nothing runs on for ever, and no path leads out of the mesh's volumes.

import assert from "node:assert/strict";
import { isAbsolute, normalize, resolve } from "node:path";
import { test } from "node:test";
import { ManualClock } from "../../src/core/clock.ts";
import type { Problem } from "../../src/core/problem.ts";
import type { KubernetesObject } from "../../src/kinds/define-kind.ts";
import type { Pod } from "../../src/kinds/pod/pod.ts";
import type { FileSystemView, MountPlan } from "../../src/local/sandbox/mount-plan.ts";
import { planMounts, stepWords } from "../../src/local/sandbox/mount-plan.ts";
import { resolveContainerUser } from "../../src/local/workloads/container-user.ts";
import type { ReferencedObjects } from "../../src/local/workloads/environment.ts";
import { resolveEnvironment } from "../../src/local/workloads/environment.ts";
import { resolveCommand } from "../../src/local/workloads/image-command.ts";
import { planDaemonSet } from "../../src/local/workloads/plan-daemon-set.ts";
import { planDeployment } from "../../src/local/workloads/plan-deployment.ts";
import { planJob } from "../../src/local/workloads/plan-job.ts";
import { planPod } from "../../src/local/workloads/plan-pod.ts";
import { planStatefulSet } from "../../src/local/workloads/plan-stateful-set.ts";
import type { PodFiles } from "../../src/local/workloads/pod-files.ts";
import { machineFiles } from "../../src/local/workloads/pod-files.ts";
import { podFormProblems } from "../../src/local/workloads/pod-form.ts";
import { PodVolumes } from "../../src/local/workloads/pod-volumes.ts";
import { probeTiming } from "../../src/local/workloads/probe-state.ts";
import type { WorkloadPlan } from "../../src/local/workloads/workload-plan.ts";
import { parseManifest } from "../../src/sources/files/manifest.ts";

const DOCUMENT_COUNT = 5_000;
const SEED = 20_260_101;
const VOLUMES = "/state/volumes";
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const good = ["a", "settings", "web-0", "data.conf", "deep/er/file"];
const hostile = [
  "a/../../../../../../../../etc/passwd",
  ...["..", "../..", "../../../etc/passwd", "/etc/shadow", "a/../../b", "..data", "..x", ".", "", " ", "a/b"],
  ...[
    "-rf",
    "--help",
    "a:b",
    "a\nb",
    "a\u0000b",
    "\u202ea",
    "ü",
    "$(HOME)/../x",
    "$(UP)",
    "x".repeat(300),
    "a//b",
  ],
  ...[
    "/proc/self/root",
    "/dev/sda",
    "/.meltemi/own/0",
    "istio-proxy",
    "CON",
    "%2e%2e%2f",
    "a\\..\\b",
    "~",
    "*",
  ],
];
const numbers = [
  ...[0, 1, 2, 8080, 599, 600, 3_600, 65_535, 65_536, 1_337, 65_534],
  ...[-1, 0.5, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 53 - 1, -(2 ** 31), 1e300],
];

/** Mulberry32. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

class Writer {
  readonly #random: () => number;
  /** How many of ten values are hostile. */
  readonly #hostility: number;

  constructor(random: () => number) {
    this.#random = random;
    this.#hostility = [0, 0.3, 1, 4][Math.floor(random() * 4)] ?? 1;
  }

  #one<T>(values: readonly T[]): T {
    return values[Math.floor(this.#random() * values.length)] as T;
  }

  #isHostile(): boolean {
    return this.#random() * 10 < this.#hostility;
  }

  #text(usual: string): string {
    return this.#isHostile() ? this.#one(hostile) : usual;
  }

  #number(usual: number): number {
    return this.#isHostile() ? this.#one(numbers) : usual;
  }

  #maybe<T>(value: () => T): T | undefined {
    return this.#random() < 0.5 ? value() : undefined;
  }

  object(): object {
    const kind = this.#one(["Pod", "Deployment", "StatefulSet", "DaemonSet", "Job"]);
    const metadata = { name: this.#text("web"), namespace: this.#text("shop"), labels: { app: "web" } };
    if (kind === "Pod") return { apiVersion: "v1", kind, metadata, spec: this.#podSpec() };
    const template = { metadata: { labels: { app: "web" } }, spec: this.#podSpec(kind === "Job") };
    const counts =
      kind === "Job"
        ? {
            parallelism: this.#maybe(() => this.#number(2)),
            completions: this.#maybe(() => this.#number(3)),
            backoffLimit: this.#maybe(() => this.#number(1)),
            activeDeadlineSeconds: this.#maybe(() => this.#number(60)),
          }
        : { minReadySeconds: this.#maybe(() => this.#number(1)), selector: { matchLabels: { app: "web" } } };
    const replicas = kind === "Deployment" || kind === "StatefulSet" ? { replicas: this.#number(2) } : {};
    const service = kind === "StatefulSet" ? { serviceName: this.#text("web") } : {};
    const apiVersion = kind === "Job" ? "batch/v1" : "apps/v1";
    return { apiVersion, kind, metadata, spec: { ...counts, ...replicas, ...service, template } };
  }

  #podSpec(isJob = false): object {
    const names = Array.from({ length: Math.floor(this.#random() * 4) }, (_, at) =>
      this.#text(`volume-${at}`),
    );
    return {
      hostname: this.#maybe(() => this.#text("host")),
      terminationGracePeriodSeconds: this.#maybe(() => this.#number(5)),
      activeDeadlineSeconds: this.#maybe(() => this.#number(60)),
      ...(isJob ? { restartPolicy: "Never" } : {}),
      securityContext: this.#maybe(() => this.#security()),
      volumes: names.map((name) => ({ name, ...this.#source() })),
      containers: [
        this.#container("app", names),
        ...(this.#random() < 0.2 ? [this.#container("two", names)] : []),
      ],
    };
  }

  #security(): object {
    return {
      runAsUser: this.#maybe(() => this.#number(1_000)),
      runAsGroup: this.#maybe(() => this.#number(1_000)),
      fsGroup: this.#maybe(() => this.#number(2_000)),
    };
  }

  #container(name: string, volumeNames: readonly string[]): object {
    return {
      name: this.#text(name),
      image: this.#text("shop/web"),
      command: [this.#text("sleep"), this.#text("60")],
      workingDir: this.#maybe(() => this.#text("/srv")),
      env: [{ name: "UP", value: this.#one(["..", "../..", "fine", "/etc"]) }],
      readinessProbe: this.#maybe(() => ({
        tcpSocket: { port: this.#number(80) },
        periodSeconds: this.#number(5),
        timeoutSeconds: this.#number(1),
        initialDelaySeconds: this.#number(0),
        failureThreshold: this.#number(3),
      })),
      volumeMounts: volumeNames.map((volume, at) => ({
        name: volume,
        mountPath: this.#text(this.#one(["/data", "/etc/conf", "/var/run/secrets/x", "/usr/share/x"]) + at),
        readOnly: this.#maybe(() => true),
        subPath: this.#maybe(() => this.#text(this.#one(good))),
        subPathExpr: this.#random() < 0.1 ? `${this.#text("a")}/$(UP)` : undefined,
      })),
    };
  }

  #source(): object {
    const items = () => this.#maybe(() => [{ key: this.#text("key"), path: this.#text(this.#one(good)) }]);
    return this.#one<() => object>([
      () => ({ emptyDir: { sizeLimit: this.#maybe(() => this.#text("1Gi")) } }),
      () => ({ hostPath: { path: this.#text("/srv") } }),
      () => ({ persistentVolumeClaim: { claimName: this.#text("claim") } }),
      () => ({
        configMap: {
          name: this.#text("settings"),
          items: items(),
          defaultMode: this.#maybe(() => this.#number(420)),
        },
      }),
      () => ({ secret: { secretName: this.#text("settings"), items: items(), optional: true } }),
      () => ({
        downwardAPI: { items: [{ path: this.#text("labels"), fieldRef: { fieldPath: "metadata.labels" } }] },
      }),
      () => ({
        projected: {
          sources: [
            {
              serviceAccountToken: {
                path: this.#text("token"),
                expirationSeconds: this.#maybe(() => this.#number(3_600)),
              },
            },
            { configMap: { name: this.#text("settings"), items: items() } },
          ],
        },
      }),
    ])();
  }
}

/** A ConfigMap with a key of every hostile sort. */
const objects: ReferencedObjects = {
  capacity: { cpuCount: 2, memoryBytes: 2 ** 30 },
  services: () => [],
  configMap: (namespace, name) => ({
    ...{ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace } },
    data:
      name === "settings"
        ? { key: "value", fine: "1" }
        : Object.fromEntries(hostile.map((key) => [key, "x"])),
  }),
  secret: () => undefined,
};

interface Notes {
  readonly paths: string[];
  readonly files: PodFiles;
}

/** Takes note of every path; nothing is there, and everything succeeds. */
function noteTaker(): Notes {
  const paths: string[] = [];
  const absent = Object.assign(new Error("ENOENT"), { code: "ENOENT" });
  const answers: Readonly<Record<string, unknown>> = { readdir: [], readlink: absent };
  const files = Object.fromEntries(
    Object.keys(machineFiles).map((name) => [
      name,
      async (...args: unknown[]) => {
        // A link's target is the first argument of symlink, and no path to be followed.
        const [first, second] = args;
        paths.push(String(name === "symlink" ? second : first));
        if (name === "rename") paths.push(String(second));
        const answer = answers[name];
        if (answer instanceof Error) throw answer;
        return answer;
      },
    ]),
  );
  return { paths, files: files as unknown as PodFiles };
}

const view: FileSystemView = {
  kindOf: (path) =>
    ["/", "/etc", "/usr", "/usr/share", "/srv", "/var", "/run"].includes(path) ? "directory" : "absent",
  realPath: (path) => path,
  isOwn: (path) => ["/", "/etc", "/run"].includes(path),
  ownership: () => ({ mode: 0o755, uid: 0, gid: 0 }),
  lockedOptions: () => [],
  ofPod: (path) => ({ path: path.replace(VOLUMES, "/.meltemi/own/0"), kind: "directory" }),
};

function podsOf(object: KubernetesObject): readonly Pod[] {
  const given: unknown = object;
  const plans: Readonly<Record<string, () => Pick<WorkloadPlan, "create">>> = {
    Pod: () => planPod(given as Pod, undefined),
    Deployment: () => planDeployment(given as never, [], 0),
    StatefulSet: () => planStatefulSet(given as never, [], 0),
    DaemonSet: () => planDaemonSet(given as never, [], 0),
    Job: () => planJob(given as never, [], 0),
  };
  return plans[object.kind]?.().create ?? [];
}

function assertPlanStaysInside(plan: MountPlan, context: string): void {
  if (plan.kind === "refused") return;
  for (const { path } of plan.create) {
    assert(isClean(path) && /^\/(etc|run|state\/volumes)\/|^\/[^/]+/.test(path), context);
  }
  for (const step of plan.steps) {
    assert.equal(stepWords(step).length, 9, context);
    if (step.verb === "open") continue;
    assert(
      isClean(step.directory) && step.directory.startsWith("/.meltemi/"),
      `${step.directory} ${context}`,
    );
    for (const path of [step.subPath, step.rest]) {
      assert(!isAbsolute(path) && !path.split("/").includes(".."), `${path} ${context}`);
    }
    assert(isClean(step.base) && !/^\/(proc|sys|dev|\.meltemi)(\/|$)/.test(step.base), context);
  }
}

function isClean(path: string): boolean {
  return isAbsolute(path) && normalize(path) === path && !path.includes("\0");
}

async function mountAll(pod: Pod, context: string, told: Problem[]): Promise<readonly string[]> {
  const { paths, files } = noteTaker();
  const clock = new ManualClock();
  const user = { uid: 65_534, gid: 65_534, replacesRoot: true };
  const volumes = new PodVolumes({
    ...{ pod, objects, clock, fileSystem: files, directory: VOLUMES, defaultUser: user },
    issueToken: async () => "token",
    onProblem: (_, found) => found && told.push(found),
  });
  for (const container of pod.spec.containers) {
    resolveCommand(pod, container, new Map());
    const environment = resolveEnvironment(pod, container, objects);
    const chosen = resolveContainerUser(pod, container, user);
    for (const probe of [container.readinessProbe, container.livenessProbe]) {
      for (const ms of Object.values(probeTiming(probe ?? {})))
        assert(ms >= 0 && ms <= LONGEST_TIMER_MS, context);
      assert(probeTiming(probe ?? {}).periodMs >= 1_000, context);
    }
    if (environment.kind === "unresolved" || chosen.kind === "unresolved") continue;
    assert(![0, 1_337].includes(chosen.value.user.uid), context);
    const mounts = await volumes.mount(container, {
      environment: environment.value,
      user: chosen.value.user,
    });
    if (mounts.kind === "unresolved") told.push(mounts.problem);
    else
      assertPlanStaysInside(
        planMounts({ mounts: mounts.value, reachable: [], uid: 1, gid: 1 }, view),
        context,
      );
  }
  const before = paths.length;
  clock.advance(300_000);
  await volumes.refresh();
  assert(paths.length - before < 500, `it spins: ${context}`);
  await volumes.close();
  return paths;
}

test(`${DOCUMENT_COUNT} hostile manifests lead nowhere`, { timeout: 120_000 }, async () => {
  const random = seeded(SEED);
  const seen = { refused: 0, accepted: 0, unfit: 0, paths: 0, problems: 0 };
  for (let count = 0; count < DOCUMENT_COUNT; count += 1) {
    const text = JSON.stringify(new Writer(random).object());
    const manifest = parseManifest("fuzz.yaml", text);
    for (const found of manifest.problems) assert(found.location?.line !== undefined, text);
    const accepted = manifest.entries.flatMap(({ object }) => object ?? []);
    seen[accepted.length > 0 ? "accepted" : "refused"] += 1;
    for (const object of accepted) {
      const pods = podsOf(object);
      assert(pods.length <= 1_000, text);
      for (const pod of pods.slice(0, 2)) {
        if (podFormProblems(pod).length > 0) {
          seen.unfit += 1;
          continue;
        }
        const told: Problem[] = [];
        const paths = await mountAll(pod, text, told);
        seen.paths += paths.length;
        seen.problems += told.length;
        for (const path of paths) {
          assert(path === VOLUMES || resolve(path).startsWith(`${VOLUMES}/`), `${path} of ${text}`);
          assert(isClean(path), `${JSON.stringify(path)} of ${text}`);
        }
      }
    }
  }
  const least = { refused: 500, accepted: 1_000, unfit: 200, paths: 10_000, problems: 200 };
  for (const [what, atLeast] of Object.entries(least)) {
    assert(seen[what as keyof typeof seen] >= atLeast, JSON.stringify(seen));
  }
});
