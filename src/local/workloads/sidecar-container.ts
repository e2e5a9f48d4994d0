// The container `istio-proxy` of a pod: no process of its own here, but the agent's Envoy. It is started once;
// the agent restarts Envoy when it dies. Its readiness probe is asked as kubelet asks it, once it serves.

import type { Clock } from "../../core/clock.ts";
import type { Container } from "../../kinds/pod/container.ts";
import type { Probe } from "../../kinds/pod/probe.ts";
import type { ContainerSnapshot, ContainerState } from "./container-state.ts";
import type { PodSidecar } from "./pod-runtime.ts";
import { type ProbeOutcome, runProbeLoop } from "./probe-loop.ts";
import { probeTiming } from "./probe-state.ts";

// A control plane that is away must not hold the turn of pods that wait behind this one.
const LONGEST_TURN_MS = 5_000;

export interface SidecarContainerOptions {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  start(): Promise<PodSidecar>;
  /** Asks the proxy's own readiness probe. */
  ask(probe: Probe): Promise<ProbeOutcome>;
  /** For the container's log. */
  say(text: string): void;
  onChange(): void;
  /** It went down, and can't be waited for. */
  onFailure(cause: unknown): void;
}

export class SidecarContainer {
  readonly #container: Container;
  readonly #options: SidecarContainerOptions;
  #state: ContainerState = { kind: "waiting", reason: "PodInitializing" };
  #sidecar: PodSidecar | undefined;
  #isReady = false;
  #isAwaited = false;
  #isStopping = false;
  #readiness: Promise<void> = Promise.resolve();
  #endProbe: () => void = () => undefined;

  constructor(container: Container, options: SidecarContainerOptions) {
    this.#container = container;
    this.#options = options;
  }

  get sidecar(): PodSidecar | undefined {
    return this.#sidecar;
  }

  get pid(): number | undefined {
    return this.#sidecar?.pid;
  }

  get snapshot(): ContainerSnapshot {
    const { kind } = this.#state;
    return {
      container: this.#container,
      state: this.#state,
      restartCount: this.#sidecar?.restartCount ?? 0,
      isStarted: kind === "running",
      isReady: this.#isReady,
    };
  }

  async start(): Promise<void> {
    const { inTurn, signal, clock } = this.#options;
    if (signal.aborted || this.#sidecar !== undefined) return;
    await inTurn(async () => {
      if (signal.aborted) return;
      const sidecar = await this.#options.start();
      // The pod may have been told to end meanwhile, and then nobody else would end this.
      if (signal.aborted) return sidecar.close();
      this.#sidecar = sidecar;
      this.#change({ kind: "running", startedAtMs: clock.now() });
      this.#readiness = this.#untilReady(sidecar);
      await Promise.race([this.#readiness, untilElapsed(clock, LONGEST_TURN_MS)]);
    });
  }

  /** Resolves when the proxy serves, or the pod is to end. */
  ready(): Promise<void> {
    return this.#readiness;
  }

  /** Envoy died; until its successor serves, nobody is to be sent here. */
  goneDown(): void {
    if (this.#sidecar === undefined || this.#isStopping || this.#isAwaited) return;
    this.#endProbe();
    this.#tell(false);
    this.#readiness = this.#untilReady(this.#sidecar);
    this.#readiness.catch(this.#options.onFailure);
  }

  async stop(isGraceful: boolean): Promise<void> {
    const sidecar = this.#sidecar;
    if (sidecar === undefined || this.#state.kind === "terminated") return;
    this.#isStopping = true;
    this.#endProbe();
    this.#isReady = false;
    const startedAtMs = this.#state.kind === "running" ? this.#state.startedAtMs : this.#options.clock.now();
    if (isGraceful) await sidecar.drain();
    await sidecar.close();
    this.#change({
      kind: "terminated",
      end: { exitCode: 0, startedAtMs, finishedAtMs: this.#options.clock.now() },
    });
  }

  async #untilReady(sidecar: PodSidecar): Promise<void> {
    this.#isAwaited = true;
    try {
      await sidecar.ready(this.#options.signal);
    } catch (cause) {
      if (!this.#options.signal.aborted) throw cause;
    }
    if (this.#isStopping || this.#options.signal.aborted) return;
    this.#isAwaited = false;
    this.#tell(true);
    this.#watchHealth();
  }

  #watchHealth(): void {
    const { readinessProbe } = this.#container;
    if (readinessProbe === undefined) return;
    this.#endProbe = runProbeLoop({
      kind: "readiness",
      timing: probeTiming(readinessProbe),
      clock: this.#options.clock,
      ask: () => this.#options.ask(readinessProbe),
      onVerdict: (verdict, message) => {
        if (verdict === "failing") this.#options.say(`readiness probe failed: ${message}`);
        this.#tell(verdict === "passing");
      },
    });
  }

  #tell(isReady: boolean): void {
    if (isReady === this.#isReady) return;
    this.#isReady = isReady;
    this.#options.onChange();
  }

  #change(state: ContainerState): void {
    this.#state = state;
    this.#options.onChange();
  }
}

function untilElapsed(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}
