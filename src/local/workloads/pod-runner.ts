// Runs one pod from creation to removal as kubelet would: namespaces, init containers in order, the sidecar,
// then the applications; at the end everything in reverse. It reports by status and never touches the store.

import { objectKey } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import type { Container } from "../../kinds/pod/container.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import type { LifecycleHandler, Probe } from "../../kinds/pod/probe.ts";
import type { PodSandbox } from "../sandbox/pod-sandbox.ts";
import type { TerminalChoices } from "../sandbox/terminal-command.ts";
import {
  commandInContainer,
  type ProcessContext,
  runInContainer,
  startContainer,
} from "./container-processes.ts";
import type { ContainerTopic } from "./container-runner.ts";
import { ContainerRunner } from "./container-runner.ts";
import type { ContainerSnapshot } from "./container-state.ts";
import { allContainers, containerPath } from "./environment.ts";
import { PodAttempts } from "./pod-attempts.ts";
import { askProbe, dialAction, runHookAction } from "./pod-questions.ts";
import type { PodRuntime, PodSidecar, SidecarEvents } from "./pod-runtime.ts";
import type { PodPhase } from "./pod-status.ts";
import { buildPodStatus, podPhase } from "./pod-status.ts";
import { PodVolumes } from "./pod-volumes.ts";
import type { ProbeOutcome } from "./probe-loop.ts";
import type { ProbeKind } from "./probe-state.ts";
import { mountProxyVolumes, proxyReader, unreadableSecret } from "./proxy-container.ts";
import { createProxyFiles, type ProxyFiles } from "./proxy-files.ts";
import type { Resolution } from "./resolution.ts";
import type { RestartPolicy } from "./restart-policy.ts";
import { SidecarContainer } from "./sidecar-container.ts";

const DEFAULT_GRACE_SECONDS = 30;
const CAPTURE_CONTAINERS: ReadonlySet<string> = new Set(["istio-init", "istio-validation"]);
export const PROXY_CONTAINER = "istio-proxy";

type PodContainer = ContainerRunner | SidecarContainer;

export class PodRunner {
  readonly #runtime: PodRuntime;
  readonly #volumes: PodVolumes;
  readonly #attempts: PodAttempts;
  readonly #abort = new AbortController();
  readonly #startedAtMs: number;
  readonly #containers = new Map<string, PodContainer>();
  readonly #startWaiters = new Set<() => void>();
  #pod: Pod;
  #sandbox: PodSandbox | undefined;
  #sidecar: SidecarContainer | undefined;
  #proxyFiles: ProxyFiles | undefined;
  #isInitialized = false;
  #termination: Promise<void> | undefined;
  #startup: Promise<void> = Promise.resolve();

  constructor(pod: Pod, runtime: PodRuntime) {
    this.#pod = pod;
    this.#runtime = runtime;
    this.#startedAtMs = runtime.clock.now();
    const { namespace, name } = pod.metadata;
    this.#attempts = new PodAttempts({
      pod: { namespace, name },
      clock: runtime.clock,
      log: runtime.log,
      signal: this.#abort.signal,
      onProblem: (found) => runtime.onProblem(this.#pod, name, found),
    });
    this.#volumes = new PodVolumes({
      pod,
      objects: runtime.objects,
      clock: runtime.clock,
      fileSystem: runtime.fileSystem,
      directory: runtime.volumesDirectory,
      defaultUser: runtime.user,
      issueToken: (request) => runtime.issueToken(this.#pod, request),
      onProblem: (place, found) => runtime.onProblem(pod, place, found),
    });
    for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
      if (CAPTURE_CONTAINERS.has(container.name)) continue;
      this.#containers.set(container.name, this.#containerOf(container));
    }
  }

  /** With its latest status. */
  get pod(): Pod {
    return this.#pod;
  }

  get phase(): PodPhase {
    return podPhase(this.#snapshot());
  }

  get sandbox(): PodSandbox | undefined {
    return this.#sandbox;
  }

  get sidecar(): PodSidecar | undefined {
    return this.#sidecar?.sidecar;
  }

  /** Process ids by container, of those that run. */
  pids(): ReadonlyMap<string, number> {
    const pids = new Map<string, number>();
    for (const [name, { pid }] of this.#containers) if (pid !== undefined) pids.set(name, pid);
    return pids;
  }

  start(): void {
    // What isn't foreseen ends with this pod.
    this.#startup = this.#bringUp().catch((cause) => this.#attempts.explain(cause));
  }

  /** Something that pods refer to has changed. */
  async refresh(): Promise<void> {
    if (this.#termination !== undefined) return;
    for (const container of this.#containers.values()) {
      if (container instanceof ContainerRunner) container.retry();
    }
    await this.#volumes.refresh();
    this.#proxyFiles?.refresh();
  }

  /**
   * Ends the pod: endpoints first, then preStop and SIGTERM for the applications, then the sidecar, then the
   * namespaces. Resolves when nothing of it is left.
   */
  terminate(graceSeconds = this.#graceSeconds()): Promise<void> {
    this.#termination ??= this.#tearDown(graceSeconds);
    return this.#termination;
  }

  /**
   * What runs `argv` as the named container would: in its namespaces, with its variables, files and user, and on a terminal
   * of its own where one is chosen. Undefined where no such container runs.
   */
  async execCommand(
    containerName: string,
    argv: readonly [string, ...string[]],
    terminal?: TerminalChoices,
  ): Promise<Resolution<ReturnType<PodSandbox["command"]>> | undefined> {
    const sandbox = this.#sandbox;
    const container = allContainers(this.#pod).find(({ name }) => name === containerName);
    const isRunning = this.#containers.get(containerName)?.snapshot.state.kind === "running";
    if (sandbox === undefined || container === undefined || !isRunning) return undefined;
    const ofProxy = containerName === PROXY_CONTAINER ? this.sidecar?.commandOptions(argv) : undefined;
    return commandInContainer({ ...this.#processContext(), sandbox }, container, { argv, ofProxy, terminal });
  }

  async #bringUp(): Promise<void> {
    this.#report();
    const { inTurn, createSandbox } = this.#runtime;
    this.#sandbox = await this.#attempts.persist(() => inTurn(() => createSandbox(this.#pod)));
    this.#report();
    if (this.#sandbox === undefined) return;
    for (const container of this.#pod.spec.initContainers ?? []) {
      if (await this.#initialize(container)) continue;
      if (!this.#abort.signal.aborted) await this.#stopSidecars(0);
      return;
    }
    this.#isInitialized = true;
    this.#report();
    // The proxy first, whatever its place in the list: an application that starts before it finds no network.
    const proxy = this.#containers.get(PROXY_CONTAINER);
    if (proxy !== undefined && !(await this.#startAndWait(proxy))) return;
    for (const { name } of this.#pod.spec.containers) {
      if (name !== PROXY_CONTAINER) void this.#containers.get(name)?.start();
    }
    this.#endWithApplications().catch((cause) => this.#attempts.explain(cause));
  }

  /** False when the pod can't go on. */
  async #initialize(container: Container): Promise<boolean> {
    if (this.#abort.signal.aborted) return false;
    if (CAPTURE_CONTAINERS.has(container.name)) {
      return this.#capture(container);
    }
    const runner = this.#containers.get(container.name);
    if (runner === undefined) return true;
    if (container.restartPolicy === "Always") return this.#startAndWait(runner);
    await runner.start();
    if (runner instanceof ContainerRunner) await runner.ended();
    this.#report();
    const { state } = runner.snapshot;
    return !this.#abort.signal.aborted && state.kind === "terminated" && state.end.exitCode === 0;
  }

  async #startAndWait(container: PodContainer): Promise<boolean> {
    await this.#attempts.persist(() => container.start());
    if (container instanceof SidecarContainer) await container.ready();
    else await this.#untilStarted(container);
    return !this.#abort.signal.aborted;
  }

  #untilStarted(container: ContainerRunner): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (!container.snapshot.isStarted && !this.#abort.signal.aborted) return;
        this.#startWaiters.delete(check);
        resolve();
      };
      this.#startWaiters.add(check);
      check();
    });
  }

  /** A pod whose applications have all ended for good (a job's) ends its sidecars too. */
  async #endWithApplications(): Promise<void> {
    const applications = this.#applications();
    if (applications.length === 0) return;
    await Promise.all(applications.map((application) => application.ended()));
    if (this.#termination === undefined) await this.#stopSidecars(DEFAULT_GRACE_SECONDS * 1000);
    this.#report();
  }

  #applications(): readonly ContainerRunner[] {
    return this.#pod.spec.containers
      .map(({ name }) => this.#containers.get(name))
      .filter((container) => container instanceof ContainerRunner);
  }

  async #tearDown(graceSeconds: number): Promise<void> {
    const deadlineMs = this.#runtime.clock.now() + graceSeconds * 1000;
    const remainingMs = () => Math.max(0, deadlineMs - this.#runtime.clock.now());
    this.#abort.abort();
    for (const waiter of this.#startWaiters) waiter();
    const wasServing = this.#pod.status?.conditions?.some(
      ({ type, status }) => type === "Ready" && status === "True",
    );
    if (wasServing === true && graceSeconds > 0) await this.#runtime.awaitEndpointRemoval(this.#pod);
    const initContainers = (this.#pod.spec.initContainers ?? []).filter(
      (one) => one.restartPolicy !== "Always",
    );
    const stopping = [...this.#applications(), ...this.#runnersOf(initContainers)];
    await Promise.all(stopping.map((container) => container.stop(remainingMs())));
    await this.#stopSidecars(remainingMs());
    await this.#startup;
    await this.#attempts.cleanUp(async () => this.#sandbox?.close());
    await this.#attempts.cleanUp(() => this.#volumes.close());
    this.#report();
  }

  /** In reverse order of their start, so that what a sidecar may need goes last. */
  async #stopSidecars(graceMs: number): Promise<void> {
    const native = (this.#pod.spec.initContainers ?? []).filter((one) => one.restartPolicy === "Always");
    for (const container of this.#runnersOf(native).toReversed()) await container.stop(graceMs);
    await this.#sidecar?.stop(graceMs > 0);
  }

  #runnersOf(containers: readonly Container[]): readonly ContainerRunner[] {
    return containers
      .map(({ name }) => this.#containers.get(name))
      .filter((container) => container instanceof ContainerRunner);
  }

  #containerOf(container: Container): PodContainer {
    if (container.name === PROXY_CONTAINER) {
      this.#sidecar = new SidecarContainer(container, {
        signal: this.#abort.signal,
        clock: this.#runtime.clock,
        inTurn: (work) => this.#runtime.inTurn(work),
        start: () => this.#startSidecar(container),
        ask: (probe) => this.#ask(container, "readiness", probe),
        say: (text) => this.#write(container.name, "stderr", text),
        onChange: () => this.#report(),
        onFailure: (cause) => this.#attempts.explain(cause),
      });
      return this.#sidecar;
    }
    return new ContainerRunner({
      container,
      restartPolicy: this.#restartPolicyOf(container),
      clock: this.#runtime.clock,
      graceMs: this.#graceSeconds() * 1000,
      start: () =>
        startContainer(this.#processContext(), container, (stream, text) =>
          this.#write(container.name, stream, text),
        ),
      ask: (kind, probe) => this.#ask(container, kind, probe),
      runHook: (handler) => this.#runHook(container, handler),
      onChange: () => this.#report(),
      say: (text) => this.#write(container.name, "stderr", text),
      onProblem: (topic, found) => this.#tellProblem(container, topic, found),
    });
  }

  #tellProblem(container: Container, topic: ContainerTopic, found: Problem | undefined): void {
    const { namespace, name } = this.#pod.metadata;
    const place = {
      object: objectKey({ kind: "Pod", namespace, name }),
      path: containerPath(this.#pod, container),
    };
    this.#runtime.onProblem(this.#pod, `${topic} of ${container.name}`, found && { ...place, ...found });
  }

  #restartPolicyOf(container: Container): RestartPolicy {
    if (container.restartPolicy !== undefined) return container.restartPolicy;
    const policy = this.#pod.spec.restartPolicy ?? "Always";
    const isInit = !this.#pod.spec.containers.includes(container);
    return isInit && policy === "Always" ? "OnFailure" : policy;
  }

  #startSidecar(container: Container): Promise<PodSidecar> {
    if (this.#sandbox === undefined) throw new Error("A sidecar needs its pod's namespaces");
    const files = createProxyFiles({
      mounts: () => mountProxyVolumes(container, this.#volumes),
      machineRoot: this.#runtime.machineRoot,
      reader: proxyReader(this.#pod),
    });
    this.#proxyFiles = files;
    const events: SidecarEvents = {
      onLine: (stream, text) => this.#write(PROXY_CONTAINER, stream, text),
      onDown: () => this.#sidecar?.goneDown(),
      onUnreadableSecret: (secret, reason) => {
        const found = reason === undefined ? undefined : unreadableSecret(this.#pod, reason);
        this.#runtime.onProblem(this.#pod, `secret ${secret}`, found);
      },
    };
    return this.#runtime.startSidecar(this.#pod, this.#sandbox, { events, files });
  }

  #ask(container: Container, kind: ProbeKind, probe: Probe): Promise<ProbeOutcome> {
    const sidecar = this.#sidecar?.sidecar;
    const ip = this.#sandbox?.ip ?? "";
    const exec = (argv: readonly [string, ...string[]], timeoutMs: number) =>
      this.#run(container, argv, timeoutMs);
    return askProbe({ container, kind, probe, ip, exec, ...(sidecar === undefined ? {} : { sidecar }) });
  }

  #runHook(container: Container, handler: LifecycleHandler): Promise<string | undefined> {
    return runHookAction(handler, {
      clock: this.#runtime.clock,
      exec: (argv, timeoutMs) => this.#run(container, argv, timeoutMs),
      dial: (action) => dialAction(container, action, this.#sandbox?.ip ?? ""),
      graceMs: this.#graceSeconds() * 1000,
    });
  }

  #run(container: Container, argv: readonly [string, ...string[]], timeoutMs: number): Promise<ProbeOutcome> {
    const { clock } = this.#runtime;
    return runInContainer(this.#processContext(), container, { argv, timeoutMs, clock });
  }

  #processContext(): ProcessContext {
    return { pod: this.#pod, sandbox: this.#sandbox, volumes: this.#volumes, runtime: this.#runtime };
  }

  #write(containerName: string, stream: "stdout" | "stderr", text: string): void {
    const atMs = this.#runtime.clock.now();
    this.#runtime.containerLog(this.#pod, containerName).append({ atMs, stream, text });
  }

  async #capture(initContainer: Container): Promise<boolean> {
    const sandbox = this.#sandbox;
    if (initContainer.name !== "istio-init" || sandbox === undefined) return true;
    await this.#attempts.persist(() => this.#runtime.capture(sandbox, initContainer));
    return !this.#abort.signal.aborted;
  }

  #graceSeconds(): number {
    return Math.max(0, this.#pod.spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS);
  }

  #report(): void {
    const status = buildPodStatus(this.#snapshot(), this.#runtime.clock.now());
    this.#pod = { ...this.#pod, status };
    for (const waiter of this.#startWaiters) waiter();
    this.#runtime.onStatus(this.#pod);
  }

  #snapshot() {
    const snapshotsOf = (containers: readonly Container[]): readonly ContainerSnapshot[] =>
      containers.flatMap(({ name }) => this.#containers.get(name)?.snapshot ?? []);
    return {
      pod: this.#pod,
      ip: this.#sandbox?.ip,
      startedAtMs: this.#startedAtMs,
      isInitialized: this.#isInitialized,
      isSidecarReady: this.#sidecar === undefined || this.#sidecar.snapshot.isReady,
      initContainers: snapshotsOf(this.#pod.spec.initContainers ?? []),
      containers: snapshotsOf(this.#pod.spec.containers),
    };
  }
}
