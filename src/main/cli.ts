// The `meltemi` command: wires the rooms into the command line, each loaded only when a command needs it.

import type { ClusterOperations } from "../cli/cluster-operations.ts";
import type { CommandContext } from "../cli/command.ts";
import { commandList } from "../cli/command-list.ts";
import type { CommandOperations, InjectedText, InjectionChoices } from "../cli/command-operations.ts";
import { CommandFailure, exitCodes } from "../cli/exit-code.ts";
import type { InstallOperations } from "../cli/install-operations.ts";
import { runProgram } from "../cli/program.ts";
import { openTerminal } from "../cli/terminal.ts";
import { formatProblem } from "../core/problem.ts";
import type { MeshConfig } from "../kinds/mesh-config/mesh-config.ts";
import type { MeshConfigSpec } from "../kinds/mesh-config/mesh-config-spec.ts";
import { projectPath, readVersion } from "../process/project.ts";

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => stop.abort());
// `meltemi get pods | head` closes the pipe; what is left to print has no reader.
process.stdout.on("error", () => process.exit(0));

const context: CommandContext = {
  terminal: openTerminal(process, process.env),
  env: process.env,
  version: readVersion(),
  signal: stop.signal,
  operations: wireOperations(),
};
const exitCode = await runProgram(process.argv.slice(2), commandList, context);
await Promise.all([written(process.stdout), written(process.stderr)]);
// What a command has left open must not keep it from ending.
process.exit(exitCode);

/** A pipe takes what is more than its buffer only as its reader goes on. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.writableLength === 0) resolve();
    else stream.write("", () => resolve());
  });
}

function wireOperations(): CommandOperations {
  return {
    installation: lazyInstallOperations(),
    clusters: lazyClusterOperations(),
    exampleDirectory: projectPath("examples/bookshop/manifests"),
    async findEnvoy(options) {
      const { findEnvoy } = await import("../agent/envoy-binary.ts");
      return findEnvoy({ env: process.env, ...options });
    },
    injectManifest: injectText,
    async startLocalMesh(launch) {
      const { startLocalMesh } = await import("../front/start-local-mesh.ts");
      return startLocalMesh(launch);
    },
  };
}

function lazyInstallOperations(): InstallOperations {
  const open = async () => {
    const { createInstallOperations } = await import("../operations/installation.ts");
    return createInstallOperations({
      env: process.env,
      version: readVersion(),
      readMeshConfig: readFaultlessMeshConfig,
    });
  };
  return {
    manifest: async (choices) => (await open()).manifest(choices),
    install: async (choices, options) => (await open()).install(choices, options),
    planRemoval: async (choices, options) => (await open()).planRemoval(choices, options),
    uninstall: async (choices, options) => (await open()).uninstall(choices, options),
    tags: async (choices, options) => (await open()).tags(choices, options),
    setTag: async (choices, options) => (await open()).setTag(choices, options),
    removeTag: async (choices, options) => (await open()).removeTag(choices, options),
    moveNamespace: async (choices, options) => (await open()).moveNamespace(choices, options),
    precheck: async (choices, options) => (await open()).precheck(choices, options),
  };
}

function lazyClusterOperations(): ClusterOperations {
  const open = async () => {
    const { createClusterOperations } = await import("../operations/cluster-operations.ts");
    return createClusterOperations({ env: process.env, version: readVersion() });
  };
  return {
    async currentContext() {
      const { currentContext } = await import("../kubernetes/kubeconfig.ts");
      return currentContext({ environment: process.env });
    },
    openMesh: async (choices, signal) => (await open()).openMesh(choices, signal),
  };
}

async function readFaultlessMeshConfig(file: string | undefined): Promise<MeshConfigSpec> {
  const { meshConfig, problems } = await readMeshConfig(file);
  const [error] = problems.filter(({ severity }) => severity === "error");
  if (error !== undefined) throw new CommandFailure(exitCodes.no, formatProblem(error));
  return meshConfig;
}

async function injectText(text: string, file: string, choices: InjectionChoices): Promise<InjectedText> {
  const { injectText: inject } = await import("../operations/manual-injection.ts");
  return await inject(text, file, choices, { env: process.env, version: readVersion() });
}

async function readMeshConfig(file: string | undefined) {
  if (file === undefined) return { meshConfig: {}, problems: [] };
  const { loadMeshConfig } = await import("../sources/files/load-mesh-config.ts");
  const { meshConfig, problems } = await loadMeshConfig(file);
  const spec = (meshConfig?.object as MeshConfig | undefined)?.spec;
  return { meshConfig: spec ?? {}, problems };
}
