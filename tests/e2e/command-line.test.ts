import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { commandList } from "../../src/cli/command-list.ts";
import { readVersion } from "../../src/process/project.ts";

const program = fileURLToPath(new URL("../../src/main/cli.ts", import.meta.url));
const state = mkdtempSync(join(tmpdir(), "meltemi-cli-"));
after(() => rmSync(state, { recursive: true }));

function meltemi(...args: string[]) {
  const env = { ...process.env, MELTEMI_STATE_DIR: state, MELTEMI_DEBUG: "" };
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", program, ...args], {
    encoding: "utf8",
    env,
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

test("meltemi --help lists every command and the exit codes", () => {
  const { status, stdout } = meltemi("--help");
  assert.equal(status, 0);
  for (const { name } of commandList) assert.match(stdout, new RegExp(`^ +${name}\\b`, "m"));
  assert.match(stdout, /Exit codes: 0 done/);
});

test("every command has an example and a summary", () => {
  for (const { name, summary, examples } of commandList) {
    assert.ok(examples.length > 0 && summary !== "", name);
    for (const { line } of examples) assert.match(line, /meltemi /);
  }
});

const failures = [
  { args: ["gte", "pods"], status: 2, says: /unknown command 'gte'\n\(Did you mean get\?\)/ },
  { args: ["logs"], status: 2, says: /missing required argument 'workload'/ },
  {
    args: ["tag", "set"],
    status: 2,
    says: /missing required argument 'tag'\n\(see `meltemi tag set --help`\)/,
  },
  { args: ["get", "pods", "--output-format", "json"], status: 2, says: /unknown option '--output-format'/ },
  { args: ["get", "pods", "-o", "xml"], status: 2, says: /-o takes wide, json, yaml/ },
  { args: ["get", "virtualservce"], status: 2, says: /did you mean "virtualservice/ },
  { args: ["get", "pods"], status: 4, says: /it isn't running\nhint: start it: meltemi up DIR/ },
  {
    args: ["get", "pods", "--name", "other"],
    status: 2,
    says: /has no such option\nhint: did you mean --mesh\?/,
  },
  { args: ["proxy-status"], status: 4, says: /it isn't running/ },
  { args: ["wait", "reviews"], status: 2, says: /Cannot wait for "reviews"\nhint: name one object/ },
  { args: ["wait", "vs/reviews"], status: 4, says: /it isn't running/ },
  { args: ["up", "/nowhere"], status: 2, says: /there is no such file or directory/ },
  { args: ["up", ".", "--pod-cidr", "10.0.0.0"], status: 2, says: /--pod-cidr takes an IPv4 range such as/ },
  { args: ["up", ".", "--image", "web"], status: 2, says: /wanted NAME=COMMAND/ },
  { args: ["inject", "-f", "/nowhere.yaml"], status: 2, says: /there is no such file/ },
  {
    args: ["inject", "-f", "/nowhere.yaml", "--webhookConfig", "x"],
    status: 2,
    says: /Cannot inject with --webhookConfig/,
  },
  {
    args: ["inject", "-f", "package.json", "--valuesFile", "/nowhere.json"],
    status: 2,
    says: /nowhere\.json/,
  },
  { args: ["completion", "tcsh"], status: 2, says: /wanted bash, zsh or fish/ },
];

for (const { args, status, says } of failures) {
  test(`meltemi ${args.join(" ")} fails with ${status} on standard error, without a stack`, () => {
    const failed = meltemi(...args);
    assert.equal(failed.status, status, failed.stderr);
    assert.match(failed.stderr, says);
    assert.doesNotMatch(failed.stderr, /^\s+at /m);
    assert.equal(failed.stdout, "");
  });
}

test("meltemi inject prints the manifest with a sidecar", () => {
  const file = join(state, "pod.yaml");
  writeFileSync(
    file,
    "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: web}]}\n",
  );
  const { status, stdout } = meltemi("inject", "-f", file);
  assert.equal(status, 0);
  assert.match(stdout, /name: istio-proxy/);
  const images = [...stdout.matchAll(/image: (meltemi\/agent.*)/g)].map(([, image]) => image);
  assert.deepEqual(images, Array(2).fill(`meltemi/agent:${readVersion()}`), "this program's own version");
});

test("meltemi inject prints Problems with their place and nothing else", () => {
  const file = join(state, "broken.yaml");
  writeFileSync(file, "kind: Pod\n  bad: [\n");
  const { status, stdout, stderr } = meltemi("inject", "-f", file);
  assert.deepEqual([status, stdout], [1, ""]);
  assert.match(stderr, /broken\.yaml:\d+:\d+: error MLT1001/);
});

test("meltemi inject takes a MeshConfig and says where it is wrong", () => {
  const manifest = join(state, "pod.yaml");
  const meshConfig = join(state, "mesh.yaml");
  writeFileSync(
    manifest,
    "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web}]}\n",
  );
  writeFileSync(meshConfig, "defaultConfig:\n  proxyMetadata:\n    HELLO: there\n");
  const injected = meltemi("inject", "-f", manifest, "--mesh-config", meshConfig);
  assert.match(injected.stdout, /name: HELLO\n +value: there/, injected.stderr);
  writeFileSync(meshConfig, "defaultConfig:\n  concurency: 2\n");
  const refused = meltemi("inject", "-f", manifest, "--mesh-config", meshConfig);
  assert.deepEqual([refused.status, refused.stdout], [1, ""]);
  assert.match(refused.stderr, /mesh\.yaml:2:3: error MLT1003/);
});

test("meltemi inject takes kube-inject's files and writes where it is told", () => {
  const [manifest, config, values, output] = ["pod.yaml", "config.yaml", "values.json", "injected.yaml"].map(
    (name) => join(state, name),
  ) as [string, string, string, string];
  const annotations = "{inject.istio.io/templates: 'sidecar,zone'}";
  const metadata = `{name: web, annotations: ${annotations}}`;
  writeFileSync(
    manifest,
    `apiVersion: v1\nkind: Pod\nmetadata: ${metadata}\nspec: {containers: [{name: web, image: web}]}\n`,
  );
  writeFileSync(config, "templates:\n  zone: 'metadata: {labels: {zone: {{ .Values.zone }}}}'\n");
  writeFileSync(values, '{"zone": "a1", "global": {"network": "east"}}');
  const files = ["--injectConfigFile", config, "--valuesFile", values, "-o", output];
  const injected = meltemi("inject", "-f", manifest, ...files, "--cni", "-r", "canary");
  assert.deepEqual([injected.status, injected.stdout], [0, ""], injected.stderr);
  const text = readFileSync(output, "utf8");
  for (const part of ["zone: a1", "topology.istio.io/network: east", "name: istio-validation"])
    assert.ok(text.includes(part), `${part} is in\n${text}`);
  assert.match(text, /value: meltemi-canary\.meltemi-system\.svc:15012/);
});

test("meltemi down says that nothing runs", () => {
  const { status, stderr } = meltemi("down");
  assert.deepEqual([status, stderr], [0, 'mesh "default" isn\'t running\n']);
});

test("meltemi completion bash is a script that bash can read and that completes", () => {
  const { stdout } = meltemi("completion", "bash");
  const script = `${stdout}\nCOMP_WORDS=(meltemi proxy-config li); COMP_CWORD=2; _meltemi; echo "\${COMPREPLY[@]}"`;
  const { status, stdout: completed } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
  assert.deepEqual([status, completed.trim()], [0, "listener"]);
});
