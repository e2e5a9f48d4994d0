import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { after, test } from "node:test";
import { promisify } from "node:util";
import type { ExecAnswer, LogLine, MeshReport, PodReport } from "../../src/admin/contract/supervisor.ts";
import type { Problem } from "../../src/core/problem.ts";
import type { KubernetesObject } from "../../src/kinds/define-kind.ts";
import { enterMeshCommand, launchSupervisor } from "../../src/local/front/launch-supervisor.ts";
import { probeMachine } from "../../src/local/front/machine-ability.ts";
import { listenAndPass } from "../../src/local/front/pass-listener.ts";
import type {
  FrontMessage,
  GatewayPortWish,
  SupervisorMessage,
} from "../../src/local/supervisor/front-protocol.ts";
import { programArgv, projectPath } from "../../src/process/project.ts";
import { bundleProgram } from "../support/bundled-program.ts";

const run = promisify(execFile);
const ability = await probeMachine();
const skip = ability.kind === "unable" ? ability.sentence : false;

const bundleDirectory = await mkdtemp(join(tmpdir(), `meltemi-supervisor-bundle-${process.pid}-`));
after(() => rm(bundleDirectory, { recursive: true }));
const programPath = skip === false ? await bundleProgram("supervisor", bundleDirectory) : "";

interface Mesh {
  readonly stateDirectory: string;
  readonly namespacesPid: number;
  readonly channel: ChildProcess;
  readonly messages: readonly SupervisorMessage[];
  send(message: FrontMessage): void;
  until(claim: () => boolean): Promise<void>;
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body: unknown): Promise<T>;
  shutdown(): Promise<void>;
}

/** A real supervisor in namespaces of its own; its control plane is a process that does nothing. */
async function start(context: TestContext): Promise<Mesh> {
  if (ability.kind === "unable") throw new Error(ability.sentence);
  const stateDirectory = await mkdtemp(join(tmpdir(), `meltemi-supervisor-${process.pid}-`));
  const supervisor = await launchSupervisor({
    privilege: ability.privilege,
    stateDirectory,
    argv: [process.execPath, programPath],
  });
  const { channel } = supervisor;
  const messages: SupervisorMessage[] = [];
  const waiters = new Set<() => void>();
  channel.on("message", (message) => {
    messages.push(message as SupervisorMessage);
    for (const waiter of waiters) waiter();
  });
  const send = (message: FrontMessage) => void channel.send(message);
  const until = (claim: () => boolean) =>
    new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`not seen: ${JSON.stringify(messages.slice(-8))}`)),
        60_000,
      );
      const check = () => {
        if (!claim()) return;
        clearTimeout(timer);
        waiters.delete(check);
        resolve();
      };
      waiters.add(check);
      check();
    });
  const socketPath = join(stateDirectory, "supervisor.sock");
  const shutdown = async () => {
    if (channel.connected) send({ kind: "shutdown", graceSeconds: 1 });
    await supervisor.exited;
  };
  context.after(async () => {
    await supervisor.close({ graceMs: 5_000 });
    await rm(stateDirectory, { recursive: true, force: true });
  });
  const isRoot = ability.privilege === "root";
  send({
    kind: "start",
    settings: {
      meshName: "test",
      version: "0.0.0",
      stateDirectory,
      podCidr: "10.244.0.0/16",
      serviceCidr: "10.96.0.0/16",
      hiddenDirectories: [],
      readOnlyDirectories: [],
      frontPid: process.pid,
      namespacesPid: supervisor.namespacesPid,
      privilege: ability.privilege,
      envoyPath: "/bin/false",
      agentProgram: { argv: programArgv("agent"), directory: projectPath(".") },
      controlPlaneArgv: [process.execPath, "-e", "setInterval(() => {}, 1000)", "--"],
      user: {
        uid: isRoot ? (process.getuid?.() ?? 0) : 0,
        gid: 0,
        replacesRoot: false,
        home: "/",
        path: process.env.PATH ?? "",
      },
      workingDirectory: "/",
      imageCommands: {},
    },
  });
  await until(() => messages.some(({ kind }) => kind === "started"));
  return {
    stateDirectory,
    namespacesPid: supervisor.namespacesPid,
    channel,
    messages,
    send,
    until,
    get: (path) => ask(socketPath, { path }),
    post: (path, body) => ask(socketPath, { path, method: "POST", body: JSON.stringify(body) }),
    shutdown,
  };
}

function ask<T>(socketPath: string, options: { path: string; method?: string; body?: string }): Promise<T> {
  const { body, ...target } = options;
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, ...target }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => {
        text += chunk;
      });
      answer.on("end", () => {
        const isLines = answer.headers["content-type"] === "application/x-ndjson";
        const lines = () =>
          text
            .trim()
            .split("\n")
            .map((line) => JSON.parse(line));
        resolve((isLines ? lines() : JSON.parse(text)) as T);
      });
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

const SERVER = `require("node:http").createServer((q, s) => s.end("hello from " + require("node:os").hostname())).listen(8080, () => console.log("listening"))`;

function deployment(
  name: string,
  replicas: number,
  env: { name: string; value: string }[] = [],
): KubernetesObject {
  const container = {
    name: "app",
    image: "shop/web:1",
    env,
    ports: [{ name: "http", containerPort: 8080 }],
    readinessProbe: { httpGet: { path: "/", port: "http" } },
  };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace: "shop" },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [container] } },
    },
  };
}

function service(name: string, spec: object = {}): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "shop" },
    spec: { selector: { app: name }, ports: [{ name: "http", port: 80, targetPort: "http" }], ...spec },
  };
}

function declare(mesh: Mesh, ...objects: KubernetesObject[]): void {
  mesh.send({ kind: "objects", upserts: objects.map((object) => ({ object })), moves: [], deletes: [] });
}

function isReady({ messages }: Mesh, podCount: number): boolean {
  const last = messages.findLast((message) => message.kind === "progress");
  return last?.kind === "progress" && last.isReady && last.podCount === podCount;
}

function useNodeForImages(mesh: Mesh): void {
  const text = JSON.stringify({ "shop/web": { command: [process.execPath, "-e", SERVER] } });
  mesh.send({ kind: "images", files: [{ file: "images.yaml", directory: "/", text }] });
}

test("supervisor runs pods that reach each other by name and VIP", { skip }, async (context) => {
  const mesh = await start(context);
  useNodeForImages(mesh);
  declare(mesh, service("web"), deployment("web", 2));
  await mesh.until(() => isReady(mesh, 2));
  const pods = await mesh.get<PodReport[]>("/pods");
  assert.equal(pods.length, 2);
  assert.equal(new Set(pods.map(({ ip }) => ip)).size, 2);
  const [pod] = pods;
  assert.deepEqual(pod?.workload, { kind: "Deployment", name: "web" });
  assert.ok((pod?.containers[0]?.memoryBytes ?? 0) > 1_000_000);

  const script = `fetch("http://web.shop").then((r) => r.text()).then(console.log)`;
  const command = [process.execPath, "-e", script];
  const answer = await mesh.post<ExecAnswer>("/exec", { namespace: "shop", pod: pod?.name, command });
  const { stdout } = await run(answer.argv[0], answer.argv.slice(1), { env: answer.environment });
  assert.match(stdout, /^hello from web-/);

  const lines = await mesh.get<LogLine[]>(`/logs?namespace=shop&pod=${pod?.name}`);
  assert.deepEqual(lines, [{ container: "app", stream: "stdout", text: "listening" }]);
  const { processes } = await mesh.get<MeshReport>("/mesh");
  assert.deepEqual(
    processes.map(({ name }) => name),
    ["control plane", "supervisor"],
  );
  await mesh.shutdown();
  assert.ok(mesh.messages.some(({ kind }) => kind === "stopped"));
});

test("supervisor reaches gateways from the machine's loopback", { skip }, async (context) => {
  const mesh = await start(context);
  useNodeForImages(mesh);
  declare(mesh, service("web", { type: "LoadBalancer" }), deployment("web", 1));
  const wishes = () => mesh.messages.findLast((message) => message.kind === "gatewayPorts");
  await mesh.until(() => wishes() !== undefined);
  const told = wishes();
  const [wish] = told?.kind === "gatewayPorts" ? told.wishes : [];
  assert.equal((wish as GatewayPortWish | undefined)?.hostPort, 8080);
  const outcome = await listenAndPass(mesh.channel, { name: wish?.listener ?? "", port: 0 });
  assert.equal(outcome.kind, "listening");
  const port = outcome.kind === "listening" ? outcome.listener.port : 0;
  mesh.send({ kind: "gatewayPort", listener: wish?.listener ?? "", hostPort: port });
  await mesh.until(() => isReady(mesh, 1));
  const answer = await fetch(`http://127.0.0.1:${port}/`);
  assert.match(await answer.text(), /^hello from web-/);
  const { gateways } = await mesh.get<MeshReport>("/mesh");
  assert.deepEqual(gateways, [{ namespace: "shop", name: "web", port: 80, url: `http://localhost:${port}` }]);
  await mesh.shutdown();
});

test("supervisor tells where the command of an image is missing, and starts it once it is there", {
  skip,
}, async (context) => {
  const mesh = await start(context);
  declare(mesh, deployment("web", 2));
  const problems = (): readonly Problem[] => {
    const last = mesh.messages.findLast((message) => message.kind === "problems");
    return last?.kind === "problems" ? last.problems : [];
  };
  await mesh.until(() => problems().some(({ code }) => code === "MLT3101"));
  const found = problems().filter(({ code }) => code === "MLT3101");
  assert.equal(found.length, 1);
  assert.equal(found[0]?.object, "Deployment/shop/web");
  assert.equal(found[0]?.path, "spec.template.spec.containers[0].image");
  useNodeForImages(mesh);
  await mesh.until(() => isReady(mesh, 2));
  await mesh.until(() => problems().every(({ code }) => code !== "MLT3101"));
  await mesh.shutdown();
});

async function inPod(mesh: Mesh, pod: string | undefined, ...command: string[]): Promise<string> {
  const { argv, environment } = await mesh.post<ExecAnswer>("/exec", { namespace: "shop", pod, command });
  const { stdout } = await run(argv[0], argv.slice(1), { env: environment });
  return stdout;
}

/** Outside of pods, which see no process but their own. */
async function inMesh({ namespacesPid }: Mesh, ...argv: readonly [string, ...string[]]): Promise<void> {
  if (ability.kind !== "able") throw new Error("There is no mesh here");
  const [program, ...args] = enterMeshCommand({ namespacesPid }, { privilege: ability.privilege, argv });
  await run(program, args);
}

test("supervisor restarts killed applications and the control plane, and keeps names and addresses", {
  skip,
}, async (context) => {
  const mesh = await start(context);
  useNodeForImages(mesh);
  declare(mesh, service("web"), deployment("web", 1));
  await mesh.until(() => isReady(mesh, 1));
  const [before] = await mesh.get<PodReport[]>("/pods");
  const { processes } = await mesh.get<MeshReport>("/mesh");
  const controlPlanePid = processes.find(({ name }) => name === "control plane")?.pid;
  await inMesh(mesh, "kill", "-9", `${before?.containers[0]?.pid}`, `${controlPlanePid}`);
  const wentDown = (message: SupervisorMessage) => message.kind === "progress" && message.readyPodCount === 0;
  const lastDown = () => mesh.messages.findLastIndex(wentDown);
  await mesh.until(() => lastDown() > mesh.messages.findIndex(isReadyMessage) && isReady(mesh, 1));
  const [after] = await mesh.get<PodReport[]>("/pods");
  assert.equal(after?.containers[0]?.restartCount, 1);
  assert.deepEqual([after.name, after.ip], [before?.name, before?.ip]);
  const back = (await mesh.get<MeshReport>("/mesh")).processes.find(({ name }) => name === "control plane");
  assert.ok(back !== undefined && back.pid !== controlPlanePid);
  await mesh.shutdown();
});

function isReadyMessage(message: SupervisorMessage): boolean {
  return message.kind === "progress" && message.isReady;
}

test("supervisor mounts a ConfigMap and follows its changes without a restart", { skip }, async (context) => {
  const mesh = await start(context);
  const configMap = (colour: string) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "settings", namespace: "shop" },
    data: { colour },
  });
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "reader", namespace: "shop" },
    spec: {
      containers: [
        {
          name: "app",
          command: ["sleep", "infinity"],
          env: [{ name: "COLOUR", valueFrom: { configMapKeyRef: { name: "settings", key: "colour" } } }],
          volumeMounts: [{ name: "settings", mountPath: "/etc/shop" }],
        },
      ],
      volumes: [{ name: "settings", configMap: { name: "settings" } }],
    },
  };
  declare(mesh, pod, configMap("red"));
  await mesh.until(() => isReady(mesh, 1));
  assert.equal(await inPod(mesh, "reader", "sh", "-c", 'cat /etc/shop/colour; echo " $COLOUR"'), "red red\n");
  declare(mesh, configMap("blue"));
  const follow = "until [ $(cat /etc/shop/colour) = blue ]; do sleep 0.05; done; cat /etc/shop/colour";
  assert.equal(await inPod(mesh, "reader", "sh", "-c", follow), "blue");
  const [{ containers } = { containers: [] }] = await mesh.get<PodReport[]>("/pods");
  assert.equal(containers[0]?.restartCount, 0);
  await mesh.shutdown();
});

test("supervisor replaces pods under load without a failed request", { skip }, async (context) => {
  const mesh = await start(context);
  useNodeForImages(mesh);
  declare(mesh, service("web"), deployment("web", 2), deployment("client", 1));
  await mesh.until(() => isReady(mesh, 3));
  const pods = await mesh.get<PodReport[]>("/pods");
  const client = pods.find(({ workload }) => workload.name === "client");
  // By the time that the client asks for the first time, some of the old pods may have gone already.
  const old = pods.map(({ name }) => name);
  const script = `
    const old = new Set(${JSON.stringify(old)});
    const http = require("node:http"); const seen = new Set(); let ok = 0, failed = 0;
    const newCount = () => [...seen].filter((name) => !old.has(name)).length;
    const ask = () => new Promise((done) => http.get("http://web/", { agent: false }, (r) => {
      let text = ""; r.on("data", (d) => { text += d; }); r.on("end", () => { ok++; seen.add(text); done(); });
    }).on("error", () => { failed++; done(); }));
    (async () => { while (newCount() < 2 || ok <= 10) await ask(); console.log(JSON.stringify({ ok, failed })); })();`;
  const asking = inPod(mesh, client?.name, process.execPath, "-e", script);
  declare(mesh, deployment("web", 2, [{ name: "ROUND", value: "2" }]));
  const { ok, failed } = JSON.parse(await asking) as { ok: number; failed: number };
  assert.equal(failed, 0);
  assert.ok(ok > 10, `${ok} requests`);
  await mesh.shutdown();
});

test("supervisor leaves the leases of addresses for its next run", { skip }, async (context) => {
  const mesh = await start(context);
  useNodeForImages(mesh);
  declare(mesh, service("web"), deployment("web", 1));
  await mesh.until(() => isReady(mesh, 1));
  const leases = JSON.parse(await readFile(join(mesh.stateDirectory, "leases.json"), "utf8")) as object;
  assert.match(JSON.stringify(leases), /shop\/web/);
  await mesh.shutdown();
});
