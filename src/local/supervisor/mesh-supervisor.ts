// One mesh on this machine, put together: controllers, kubelet, network, agents, control plane and the admin
// interface over one store. It listens to the front and ends when the front does; it decides no policy itself.

import { mkdirSync, rmSync } from "node:fs";
import type { Server } from "node:net";
import { join } from "node:path";
import type { SignRequest } from "../../agent/certificate-rotation.ts";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/logger.ts";
import type { ObjectKey } from "../../core/object-key.ts";
import { objectKey, parseObjectKey } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import { problem } from "../../core/problem.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import type { Service } from "../../kinds/service.ts";
import type { MeshNetwork } from "../network/mesh-network.ts";
import { machineAsPodsSeeIt } from "../sandbox/pod-root.ts";
import { Scraping } from "../scraping/scraping.ts";
import type { ReferencedObjects } from "../workloads/environment.ts";
import type { ImageCommand, ImageCommands, ImagesFile } from "../workloads/image-command.ts";
import { parseCommand, parseImages } from "../workloads/image-command.ts";
import { Kubelet } from "../workloads/kubelet.ts";
import { machineFiles } from "../workloads/pod-files.ts";
import { podFormProblems } from "../workloads/pod-form.ts";
import type { PodRuntime } from "../workloads/pod-runtime.ts";
import { volumeDirectoriesOf } from "../workloads/pod-volumes.ts";
import { takeTurns } from "../workloads/turn-taking.ts";
import { WorkloadReconciler } from "../workloads/workload-reconciler.ts";
import type { AdminServer } from "./admin-server.ts";
import { serveAdmin } from "./admin-server.ts";
import { capturePod } from "./capture-pod.ts";
import { ControlPlaneProcess } from "./control-plane-process.ts";
import { ControlPlaneSockets } from "./control-plane-sockets.ts";
import { DeclaredObjects, keyOfDeclared } from "./declared-objects.ts";
import { declaredProblem, workloadOf } from "./declared-problem.ts";
import { awaitEndpointRemoval, fetchProxies } from "./endpoint-removal.ts";
import { startEnvoyTrial } from "./envoy-trial.ts";
import type {
  Declarations,
  DeclaredObject,
  FrontMessage,
  SupervisorMessage,
  SupervisorSettings,
} from "./front-protocol.ts";
import { parseGatewayListener, SCRAPE_LISTENER } from "./front-protocol.ts";
import { GatewayForwarding } from "./gateway-forwarding.ts";
import { LogRegistry } from "./log-registry.ts";
import { meshReadiness } from "./mesh-readiness.ts";
import { injectLocalPod } from "./pod-injection.ts";
import { ProblemBoard } from "./problem-board.ts";
import { proxyProgramsDirectory, writeProxyPrograms } from "./proxy-programs.ts";
import { createReferencedObjects } from "./referenced-objects.ts";
import { publishServices } from "./service-publisher.ts";
import type { PodAgentContext } from "./start-pod-agent.ts";
import { podRunDirectory, startPodAgent } from "./start-pod-agent.ts";
import { createSupervisorAnswers } from "./supervisor-answers.ts";
import type { SupervisorStore } from "./supervisor-store.ts";

export interface MeshSupervisorOptions {
  readonly settings: SupervisorSettings;
  readonly store: SupervisorStore;
  readonly network: MeshNetwork;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly send: (message: SupervisorMessage) => void;
  /** The DNS name that the control plane's certificate carries. */
  readonly controlPlaneName: string;
  readonly signerFor: (pod: Pod) => SignRequest;
  readonly issueToken: PodRuntime["issueToken"];
  readonly rootsPem: () => string | undefined;
  readonly runDirectory: string;
  /** Somebody asked for the mesh's end over the admin socket. */
  readonly onShutdown: () => void;
}

const SETUPS_AT_ONCE = 4;
const PROGRESS_SETTLE_MS = 20;

export class MeshSupervisor {
  readonly #options: MeshSupervisorOptions;
  readonly #problems: ProblemBoard;
  readonly #logs: LogRegistry;
  readonly #forwarding: GatewayForwarding;
  readonly #declared = new DeclaredObjects();
  readonly #objects: ReferencedObjects;
  readonly #reconciler: WorkloadReconciler;
  readonly #kubelet: Kubelet;
  readonly #controlPlane: ControlPlaneProcess;
  readonly #ends: (() => void)[] = [];
  readonly #controlPlaneSockets: ControlPlaneSockets;
  readonly #scraping: Scraping;
  #images: ImageCommands;
  #admin: AdminServer | undefined;
  #hasObjects = false;
  #noteProgress: () => void = () => undefined;
  #isClosing = false;

  constructor(options: MeshSupervisorOptions) {
    this.#options = options;
    const { settings, store, clock, log, send } = options;
    this.#forwarding = new GatewayForwarding(log);
    this.#problems = new ProblemBoard({
      clock,
      locate: (key, path) => this.#declared.locate(key, path),
      onChange: (problems) => send({ kind: "problems", problems }),
    });
    this.#logs = new LogRegistry(join(settings.stateDirectory, "logs"), {
      onLine(pod, container, { stream, text }) {
        const { namespace, name } = pod.metadata;
        send({
          kind: "output",
          namespace,
          workload: workloadOf(pod).name,
          pod: name,
          container,
          stream,
          text,
        });
      },
      onFileProblem: (pod, container, reason) =>
        this.#takePodProblem(pod, `log of ${container}`, unwrittenLog(pod, container, reason)),
    });
    this.#images = this.#flagImages();
    this.#objects = createReferencedObjects(store, options.rootsPem);
    this.#controlPlane = new ControlPlaneProcess({
      argv: settings.controlPlaneArgv,
      env: process.env,
      clock,
      log,
      onLine: (_, text) => process.stderr.write(`${text}\n`),
      onProblems: (found) => this.#problems.set("control plane", found),
      onServing: () => {
        send({ kind: "serving" });
        this.#controlPlaneSockets.release();
      },
      onStartFailed: (sentence) => send({ kind: "failed", sentence }),
    });
    this.#controlPlaneSockets = new ControlPlaneSockets({
      clock,
      log,
      receiver: () => this.#controlPlane.server,
    });
    this.#reconciler = this.#startReconciler();
    this.#kubelet = new Kubelet({
      store,
      runtime: this.#podRuntime(),
      onGone: (pod) => this.#forget(pod),
    });
    const targetFile = join(settings.stateDirectory, "prometheus", "targets.json");
    this.#scraping = new Scraping({ store, targetFile, clock, log });
    this.#ends.push(this.#publishServices(), this.#reportProgress(), () => this.#scraping.close());
  }

  /** Resolves when the admin socket answers. */
  async start(): Promise<void> {
    const { settings, log, store, onShutdown, runDirectory } = this.#options;
    writeProxyPrograms(runDirectory, settings.agentProgram.argv);
    const answers = createSupervisorAnswers({
      settings,
      store,
      declared: this.#declared,
      kubelet: this.#kubelet,
      logs: this.#logs,
      controlPlane: this.#controlPlane,
      gateways: () => this.#forwarding.addresses(),
      onShutdown,
    });
    const socketPath = join(settings.stateDirectory, "supervisor.sock");
    this.#admin = await serveAdmin(answers, { socketPath, log });
    this.#options.send({ kind: "started" });
  }

  /** Takes a message of the front's, other than `start` and `shutdown`. */
  take(message: FrontMessage): void {
    switch (message.kind) {
      case "objects":
        this.#declare(message);
        break;
      case "images":
        this.#takeImages(message.files);
        break;
      case "gatewayPort":
        this.#forwarding.setHostPort(message.listener, message.hostPort);
        break;
      case "start":
      case "shutdown":
        break;
    }
  }

  /** A listening socket of the machine's, passed by the front. */
  attach(name: string, server: Server): void {
    if (parseGatewayListener(name) !== undefined) this.#forwarding.attach(name, server);
    else if (name === SCRAPE_LISTENER) this.#scraping.attachRelay(server);
    else this.#ends.push(this.#controlPlaneSockets.attach(name, server));
    if (name === "admin") this.#scraping.noteControlPlane(server);
  }

  async close(graceSeconds: number): Promise<void> {
    this.#isClosing = true;
    for (const end of this.#ends) end();
    this.#forwarding.close();
    this.#reconciler.close();
    await this.#kubelet.close(graceSeconds);
    await this.#controlPlane.close();
    await this.#admin?.close();
    await this.#options.network.close();
    this.#logs.close();
    this.#options.send({ kind: "stopped" });
  }

  #startReconciler(): WorkloadReconciler {
    const { store, clock, network } = this.#options;
    return new WorkloadReconciler({
      store,
      clock,
      inject: (pod) => {
        const unfit = podFormProblems(pod);
        const injection = unfit.length > 0 ? { problems: unfit } : injectLocalPod(pod, store);
        return {
          ...injection,
          problems: injection.problems.map((found) => this.#declaredProblem(found, pod)),
        };
      },
      allocateVip: (service) => this.#allocateVip(service),
      releaseVip: (key) => network.releaseVip(serviceKey(key)),
      onProblems: (found) => this.#problems.set("controllers", found),
    });
  }

  #podRuntime(): Omit<PodRuntime, "onStatus"> {
    const { settings, clock, random, log, network, issueToken, send, signerFor, runDirectory } =
      this.#options;
    const agentContext: PodAgentContext = {
      clock,
      random,
      log,
      envoyPath: settings.envoyPath,
      agentProgram: settings.agentProgram,
      path: settings.user.path,
      envoyTrial: startEnvoyTrial({
        envoyPath: settings.envoyPath,
        clock,
        onFailed: (sentence) => send({ kind: "failed", sentence }),
      }),
      version: settings.version,
      clusterDomain: "cluster.local",
      controlPlaneName: this.#options.controlPlaneName,
      controlPlaneSockets: this.#controlPlaneSockets,
      runDirectory,
      objects: this.#objects,
      signerFor,
    };
    const controlPlaneSocket = join(settings.stateDirectory, "control-plane.sock");
    return {
      clock,
      log,
      images: () => this.#images,
      objects: this.#objects,
      user: settings.user,
      workingDirectory: settings.workingDirectory,
      volumesDirectory: this.#volumesDirectory(),
      fileSystem: machineFiles,
      machineRoot: machineAsPodsSeeIt,
      createSandbox: (pod) => this.#createSandbox(pod),
      capture: (sandbox, initContainer) =>
        capturePod(sandbox, initContainer, { resolverIp: network.bridgeIp, dns: network.dns }),
      startSidecar: (pod, sandbox, surroundings) =>
        startPodAgent({ pod, sandbox, ...surroundings }, agentContext),
      issueToken,
      inTurn: takeTurns(SETUPS_AT_ONCE),
      // When everything ends there is nobody left whose requests could fail.
      awaitEndpointRemoval: async () => {
        if (this.#isClosing) return;
        await awaitEndpointRemoval({ clock, proxies: () => fetchProxies(controlPlaneSocket) });
      },
      containerLog: (pod, container) => this.#logs.log(pod, container),
      onProblem: (pod, place, found) => this.#takePodProblem(pod, place, found),
    };
  }

  #createSandbox({ metadata, spec }: Pod) {
    const { network } = this.#options;
    const podKey = `${metadata.namespace}/${metadata.name}`;
    const ip = network.allocate(podKey);
    const directories = [
      ...volumeDirectoriesOf(this.#volumesDirectory(), metadata),
      podRunDirectory(this.#options.runDirectory, ip),
      proxyProgramsDirectory(this.#options.runDirectory),
    ];
    for (const directory of directories) mkdirSync(directory, { recursive: true, mode: 0o755 });
    return network.createPod({
      podKey,
      hostname: spec.hostname ?? metadata.name,
      ip,
      directories,
      dnsSearch: [`${metadata.namespace}.svc.cluster.local`, "svc.cluster.local", "cluster.local"],
    });
  }

  #volumesDirectory(): string {
    return join(this.#options.settings.stateDirectory, "volumes");
  }

  #forget({ metadata }: Pod): void {
    const podKey = `${metadata.namespace}/${metadata.name}`;
    this.#options.network.release(podKey);
    this.#logs.forget(metadata);
    this.#problems.clear(`pod ${podKey}/`);
  }

  #takePodProblem(pod: Pod, place: string, found: Problem | undefined): void {
    const { namespace, name } = pod.metadata;
    const problems = found === undefined ? [] : [this.#declaredProblem(found, pod)];
    this.#problems.set(`pod ${namespace}/${name}/${place}`, problems);
  }

  #declaredProblem(found: Problem, pod: Pod): Problem {
    return declaredProblem(found, pod, (key) => this.#declared.get(key));
  }

  #declare(declarations: Declarations): void {
    const { upserts, moves, deletes } = declarations;
    this.#declared.apply(declarations);
    const stored: DeclaredObject[] = [];
    for (const declared of upserts) {
      const key = keyOfDeclared(declared);
      const object: unknown = declared.object;
      if (declared.object.kind === "Pod") this.#reconciler.declarePod(key, object as Pod);
      else if (declared.object.kind === "Service") {
        stored.push({ ...declared, object: this.#withAddress(object as Service) });
      } else stored.push(declared);
    }
    for (const key of deletes) {
      if (parseObjectKey(key).kind === "Pod") this.#reconciler.declarePod(key, undefined);
    }
    this.#options.store.declare({
      upserts: stored,
      moves,
      deletes: deletes.filter((key) => parseObjectKey(key).kind !== "Pod"),
    });
    this.#hasObjects = true;
    this.#problems.relocate();
    this.#reconciler.reconcileAfter([...upserts.map(keyOfDeclared), ...deletes]);
    // Nothing may have changed, and yet it is known now that nothing is wanted.
    this.#noteProgress();
  }

  // The manifest doesn't know the address that the Service has; without it here, every edit would take it away
  // for a moment.
  #withAddress(service: Service): Service {
    if (service.spec?.type === "ExternalName" || service.spec?.clusterIP === "None") return service;
    const { ip } = this.#allocateVip(service);
    return ip === undefined
      ? service
      : { ...service, spec: { ...service.spec, clusterIP: ip, clusterIPs: [ip] } };
  }

  #allocateVip(service: Service): { readonly ip?: string; readonly problem?: Problem } {
    const { namespace, name } = service.metadata;
    const asked = service.spec?.clusterIP;
    const key = `${namespace}/${name}`;
    const lease = this.#options.network.allocateVip(key, asked === "" ? undefined : asked);
    if (lease.kind === "leased") return { ip: lease.ip };
    const found = problem("MLT3114", {
      object: objectKey({ kind: "Service", namespace, name }),
      path: "spec.clusterIP",
      message: lease.sentence,
    });
    return { problem: found };
  }

  #takeImages(files: readonly ImagesFile[]): void {
    const images = new Map<string, ImageCommand>();
    const problems: Problem[] = [];
    for (const file of files) {
      const parsed = parseImages(file);
      problems.push(...parsed.problems);
      for (const [image, command] of parsed.images) images.set(image, command);
    }
    // A flag is nearer to the user than a file.
    this.#images = new Map([...images, ...this.#flagImages()]);
    this.#problems.set("images", problems);
    for (const runner of this.#kubelet.runners()) void runner.refresh();
  }

  #flagImages(): ImageCommands {
    const images = new Map<string, ImageCommand>();
    for (const [image, text] of Object.entries(this.#options.settings.imageCommands)) {
      const command = parseCommand(text);
      if (command !== undefined) images.set(image, { command });
    }
    return images;
  }

  #publishServices(): () => void {
    const { store, network, clock, log, send } = this.#options;
    return publishServices({
      store,
      network,
      clock,
      log,
      forwarding: this.#forwarding,
      onWishes: (wishes) => send({ kind: "gatewayPorts", wishes }),
      onProblems: (found) => this.#problems.set("gateways", found),
    });
  }

  #reportProgress(): () => void {
    const { store, clock, send } = this.#options;
    let told = "";
    let cancel: (() => void) | undefined;
    const report = () => {
      cancel = undefined;
      if (!this.#hasObjects) return;
      const readiness = meshReadiness((kind) => store.list(kind));
      const text = JSON.stringify(readiness);
      if (text !== told) send({ kind: "progress", ...readiness });
      told = text;
    };
    this.#noteProgress = () => {
      cancel ??= clock.after(PROGRESS_SETTLE_MS, report);
    };
    const endWatch = store.watch(this.#noteProgress);
    return () => {
      endWatch();
      cancel?.();
    };
  }
}

/** What the mesh keeps on disk and must be there before anything listens. */
export function makeStateDirectories({ stateDirectory }: SupervisorSettings): void {
  // What a run before left behind, be it that it was killed; the volumes of claims stay.
  rmSync(join(stateDirectory, "logs"), { recursive: true, force: true });
  rmSync(join(stateDirectory, "volumes", "pods"), { recursive: true, force: true });
  for (const name of ["logs", "volumes"]) {
    mkdirSync(join(stateDirectory, name), { recursive: true, mode: 0o755 });
  }
}

function unwrittenLog(pod: Pod, container: string, reason: string | undefined): Problem | undefined {
  if (reason === undefined) return undefined;
  const { namespace, name } = pod.metadata;
  return problem("MLT3122", {
    object: objectKey({ kind: "Pod", namespace, name }),
    message: `Cannot write the log of container "${container}" to disk, its last lines are kept in memory: ${reason}`,
  });
}

function serviceKey(key: ObjectKey): string {
  const { namespace, name } = parseObjectKey(key);
  return `${namespace}/${name}`;
}
