import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { after, before, describe, test } from "node:test";
import type { ProxyStatus } from "../../src/admin/contract/control-plane.ts";
import type { KubernetesObject } from "../../src/kinds/define-kind.ts";
import { projectPath, readVersion } from "../../src/process/project.ts";
import { eventually } from "../e2e/mesh/eventually.ts";
import { startOnTerminal } from "../e2e/mesh/on-terminal.ts";
import type { Cluster } from "./cluster/open-cluster.ts";
import { testCluster, whyNoTestCluster } from "./cluster/open-cluster.ts";
import { callerPod, echoDeployment, echoService } from "./echo-application.ts";
import { meltemiAgainst, meltemiEnvironment, runMeltemi, startMeltemi } from "./meltemi-command.ts";
import type { PluginUser } from "./plugin-user.ts";
import { createPluginUser, createReader } from "./plugin-user.ts";
import type { TestNamespace } from "./test-namespace.ts";
import { createTestNamespace } from "./test-namespace.ts";

const skip = whyNoTestCluster();
const name = `command-line-${process.pid}`;
/** Each new proxy takes either replica: that so many take the same one doesn't happen. */
const MAX_ECHO_COUNT = 14;

// As a user on a laptop: a kubeconfig with an exec plugin, and the rights that the guide names.
describe("command line against a cluster", { skip }, () => {
  let cluster: Cluster;
  let namespace: TestNamespace;
  let reader: PluginUser;
  let isInstalled = false;

  const run = (args: readonly string[], input = "") =>
    runMeltemi(args, { kubeconfigPath: reader.kubeconfigPath, input });
  const read = async (args: readonly string[], input = "") => {
    const end = await run(args, input);
    assert.equal(end.exitCode, 0, `meltemi ${args.join(" ")}: ${end.output}${end.errors}`);
    return end.output;
  };
  const readJson = async <T>(args: readonly string[]) =>
    JSON.parse(await read([...args, "-n", namespace.name, "-o", "json"])) as T;
  const proxies = () => readJson<readonly ProxyStatus[]>(["proxy-status"]);

  before(async () => {
    cluster = testCluster();
    isInstalled = true;
    await meltemiAgainst(cluster)(["install", "--profile", "minimal", "--timeout", "120s"]);
    reader = await createReader(cluster, name, ["meltemi-reader", "meltemi-exec"]);
    namespace = await createTestNamespace(cluster, name, { "istio-injection": "enabled" });
    const isOutside = { labels: { "sidecar.istio.io/inject": "false" } };
    await namespace.apply([echoDeployment(), echoService(), callerPod("outsider", isOutside)]);
    await namespace.waitForRollout("deployment/echo");
    await namespace.waitFor("condition=Ready", "pod/outsider");
  });

  after(async () => {
    await namespace?.close();
    await reader?.close();
    if (isInstalled) await meltemiAgainst(cluster)(["uninstall", "--yes", "--purge"]);
  });

  test("version names each replica of the control plane", async () => {
    const version = readVersion();
    const { errors, output } = await run(["version"]);
    const lines = output.trimEnd().split("\n");
    assert.equal(lines[0], `client: ${version}`);
    assert.equal(lines.length, 3, output);
    assert.match(
      lines[2] ?? "",
      new RegExp(`^control plane: ${version} \\(meltemi-.+, revision "default"\\)$`),
    );
    assert.equal(errors, `No mesh runs on this machine: asking the cluster of context "${name}"\n`);
  });

  test("proxy-status shows the proxies of both replicas", async () => {
    const replicas = async () => new Set((await proxies()).map(({ controlPlane }) => controlPlane));
    for (let count = 3; (await replicas()).size < 2; count += 1) {
      assert.ok(count <= MAX_ECHO_COUNT, "all proxies are connected to one replica");
      await namespace.kubectl(["scale", "deployment/echo", `--replicas=${count}`]);
      await namespace.waitForRollout("deployment/echo");
    }
    const pods = await namespace.list<{ metadata: { name: string } }>("pods", "app=echo");
    await eventually(async () => {
      const seen = await proxies();
      assert.deepEqual(
        seen.map((proxy) => proxy.name).sort(),
        pods.map(({ metadata }) => metadata.name).sort(),
      );
      for (const { acked, nacks } of seen) {
        assert.deepEqual([acked.cds, acked.lds, nacks], ["SYNCED", "SYNCED", []]);
      }
    });
    const table = await read(["proxy-status", "deploy/echo", "-n", namespace.name]);
    assert.match(table, /^NAME .* VERSION +CONTROL PLANE\n/);
  });

  test("proxy-status names a namespace whose revision nobody injects", async () => {
    const lost = await createTestNamespace(cluster, `${name}-lost`, { "istio.io/rev": "nobody" });
    try {
      const wanted = `without a sidecar in namespace ${lost.name}: its next pods: nobody injects revision "nobody"`;
      await eventually(async () => assert.ok((await run(["proxy-status"])).errors.includes(wanted)));
    } finally {
      await lost.close();
    }
  });

  test("proxy-config shows what the Envoy of a pod has, without its keys", async () => {
    const host = `echo.${namespace.name}.svc.cluster.local`;
    const section = (...args: readonly string[]) => read(["proxy-config", ...args, "-n", namespace.name]);
    assert.match(await section("cluster", "deploy/echo", "--fqdn", host), new RegExp(`${host} +80 .* EDS`));
    assert.match(await section("listener", "echo", "--port", "80"), /Route: 80/);
    assert.match(await section("route", "echo", "--name", "80"), new RegExp(`${host}:80`));
    assert.match(await section("endpoint", "echo", "--cluster", `outbound|80||${host}`), /:8080 +HEALTHY/);
    assert.match(await section("secret", "echo"), /default +Cert Chain +ACTIVE +true/);
    const secrets = await readJson<readonly DumpedSecret[]>(["proxy-config", "secret", "echo"]);
    const keys = secrets.flatMap(({ secret }) => secret?.tls_certificate?.private_key?.inline_bytes ?? []);
    assert.deepEqual([...new Set(keys.map((key) => Buffer.from(key, "base64").toString()))], ["[redacted]"]);
  });

  test("authz says who may call whom, with a reader's rights", async () => {
    const policy = {
      apiVersion: "security.istio.io/v1",
      kind: "AuthorizationPolicy",
      metadata: { name: "readers", namespace: namespace.name },
      spec: { rules: [{ to: [{ operation: { methods: ["GET"] } }] }] },
    };
    const can = (method: string) =>
      run(["authz", "can-i", "--as", "deploy/echo", method, `http://echo.${namespace.name}/`]);
    await namespace.apply([policy]);
    try {
      await eventually(async () => {
        const { exitCode, output } = await can("POST");
        assert.equal(exitCode, 1);
        const wanted = `denied: no rule of the workload's ALLOW policies matches (${namespace.name}/readers)\n`;
        assert.equal(output, wanted);
      });
      const allowed = `allowed by rules[0] of AuthorizationPolicy ${namespace.name}/readers, action ALLOW\n`;
      assert.equal((await can("GET")).output, allowed);
    } finally {
      await namespace.kubectl(["delete", "authorizationpolicy", "readers"]);
    }
  });

  test("proxy-config says that a pod has no proxy", async () => {
    const end = await run(["proxy-config", "route", "pod/outsider", "-n", namespace.name]);
    assert.equal(end.exitCode, 1);
    assert.match(end.errors, /error: Pod "outsider" has no proxy: it is outside the mesh\n/);
  });

  test("exec passes streams and the exit code", async () => {
    const exec = (...command: readonly string[]) => [
      "exec",
      "pod/outsider",
      "-n",
      namespace.name,
      "--",
      ...command,
    ];
    const echoed = await run(
      exec("node", "-e", "process.stdin.pipe(process.stdout)"),
      "hello\n".repeat(9_999),
    );
    assert.deepEqual([echoed.exitCode, echoed.output.length], [0, 59_994], echoed.errors);
    const script = "console.log('out'); console.error('err'); process.exit(7)";
    const ended = await run(exec("node", "-e", script));
    assert.deepEqual([ended.exitCode, ended.output], [7, "out\n"]);
    assert.match(ended.errors, /^err$/m);
    const absent = await run(exec("no-such-program"));
    assert.equal(absent.exitCode, 1);
    assert.match(absent.errors, /error: Cannot run "no-such-program" in pod "outsider": .*not found/);
  });

  const onTerminal = (t: TestContext, flags: string, ...command: readonly string[]) => {
    const exec = `exec ${flags} pod/outsider -n ${namespace.name} -- ${command.map((word) => `'${word}'`).join(" ")}`;
    const line = `tty; ${process.execPath} ${projectPath("bin/meltemi.mjs")} ${exec}`;
    return startOnTerminal(t, line, { ...process.env, ...meltemiEnvironment(reader.kubeconfigPath) });
  };

  test("exec gives the command a terminal where there is one, which follows its size", async (t) => {
    const program = `const size = () => process.stdout.getWindowSize().join(" by ");
      process.stdout.on("resize", () => console.log("now " + size()));
      console.log(process.stdin.isTTY + " of " + size());
      process.stdin.once("data", () => process.exit(5));`;
    for (const flags of ["", "-it"]) {
      const terminal = onTerminal(t, flags, "node", "-e", program.replaceAll("\n", ""));
      const [device] = await terminal.shown(/\/dev\/pts\/\d+/);
      // Kubernetes tells a terminal's size when the program may have begun already.
      await terminal.shown(/true of (?:0 by 0\r\nnow )?101 by 33\r\n/);
      execFileSync("stty", ["-F", device, "cols", "77"]);
      await terminal.shown(/now 77 by 33\r\n/);
      terminal.type("\r");
      assert.equal(await terminal.exitCode, 5);
    }
  });

  test("exec passes Ctrl-C as a key, and gives no terminal with -i alone", async (t) => {
    const program = `process.on("SIGINT", () => process.exit(6)); console.log("up"); setInterval(() => {}, 9999)`;
    const terminal = onTerminal(t, "-it", "node", "-e", program);
    await terminal.shown(/up\r\n/);
    terminal.type("\x03");
    assert.equal(await terminal.exitCode, 6);
    const piped = onTerminal(t, "-i", "node", "-p", "String(process.stdin.isTTY)");
    await piped.shown(/undefined\r\n/);
    const { exitCode, errors } = await run([
      "exec",
      "-it",
      "pod/outsider",
      "-n",
      namespace.name,
      "--",
      "node",
      "-e",
      "0",
    ]);
    assert.deepEqual([exitCode, errors.includes("standard input isn't one")], [0, true]);
  });

  test("exec asks a proxy by pilot-agent", async () => {
    const question = ["pilot-agent", "request", "GET", "server_info"];
    const place = ["deploy/echo", "-n", namespace.name, "-c", "istio-proxy"];
    assert.match(await read(["exec", ...place, "--", ...question]), /"state": "LIVE"/);
  });

  test("logs shows what was printed, and follows", async () => {
    const print = (text: string) =>
      read([
        ...["exec", "pod/outsider", "-n", namespace.name, "--"],
        ...["node", "-e", `fs.writeFileSync("/proc/1/fd/1", "${text}\\n")`],
      ]);
    await print("first");
    const child = startMeltemi(
      ["logs", "pod/outsider", "-n", namespace.name, "-f", "--tail", "1"],
      reader.kubeconfigPath,
    );
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    assert.equal((await lines.next()).value, "first");
    await print("second");
    assert.equal((await lines.next()).value, "second");
    child.kill("SIGINT");
    assert.deepEqual(await once(child, "close"), [0, null]);
    const recent = await read([
      "logs",
      "pod/outsider",
      "-n",
      namespace.name,
      "--since",
      "10m",
      "--tail",
      "2",
    ]);
    assert.equal(recent, "first\nsecond\n");
    const both = await read(["logs", "deploy/echo", "-n", namespace.name, "-c", "istio-proxy"]);
    assert.match(both, /^echo-\S+ \| .*proxy ready/m);
  });

  test("wait returns when every proxy has a change, and get shows how far it is", async () => {
    const fault = { abort: { httpStatus: 418, percentage: { value: 100 } } };
    const object = {
      apiVersion: "networking.istio.io/v1",
      kind: "VirtualService",
      metadata: { name: "echo" },
      spec: { hosts: ["echo"], http: [{ fault, route: [{ destination: { host: "echo" } }] }] },
    };
    await namespace.apply([object]);
    const count = (await proxies()).length;
    assert.equal(
      await read(["wait", "vs/echo", "-n", namespace.name]),
      `VirtualService ${namespace.name}/echo: ${count} of ${count} proxies have it\n`,
    );
    const pods = await namespace.list<{ metadata: { name: string } }>("pods", "app=echo");
    for (const { metadata } of pods) {
      assert.equal((await namespace.client(metadata.name).request("http://echo/")).status, 418);
    }
    const whole = await readJson<KubernetesObject>(["get", "vs", "echo"]);
    assert.deepEqual(whole.spec, object.spec);
    assert.equal(whole.metadata.managedFields, undefined);
    await eventually(async () =>
      assert.match(await read(["get", "vs", "-n", namespace.name]), /ACCEPTED +PROGRAMMED +AGE\n.* True +/),
    );
  });

  test("wait says that an object isn't there", async () => {
    const end = await run(["wait", "vs/ecko", "-n", namespace.name, "--timeout", "1s"]);
    assert.equal(end.exitCode, 1);
    assert.match(end.errors, /There is no VirtualService .*\/ecko\nhint: did you mean "echo"\?/);
  });

  test("get lists objects of Kubernetes' own kinds", async () => {
    assert.match(
      await read(["get", "services", "-n", namespace.name]),
      /^NAMESPACE .*\n\S+ +echo +ClusterIP/,
    );
    assert.match(
      await read(["get", "pods", "-A"]),
      new RegExp(`^${namespace.name} +outsider +1/1 +Running`, "m"),
    );
    const list = await readJson<{ items: readonly KubernetesObject[] }>(["get", "svc"]);
    assert.deepEqual(
      list.items.map(({ kind, apiVersion, metadata }) => [apiVersion, kind, metadata.name]),
      [["v1", "Service", "echo"]],
    );
  });

  test("a missing right is named", async () => {
    const stranger = await createPluginUser(cluster, `${name}-stranger`);
    try {
      const end = await runMeltemi(["get", "pods"], stranger);
      assert.equal(end.exitCode, 3);
      assert.match(end.errors, /cannot list resource "pods" in API group "" at the cluster scope/);
      assert.match(
        end.errors,
        /hint: the rights that commands need: docs\/guides\/command-line-against-a-cluster.md/,
      );
    } finally {
      await stranger.close();
    }
  });

  test("without an installation it says how to come by one", async () => {
    await meltemiAgainst(cluster)(["uninstall", "--yes", "--purge"]);
    isInstalled = false;
    const end = await run(["proxy-status"]);
    assert.equal(end.exitCode, 1);
    assert.match(
      end.errors,
      /error: There is no control plane of Meltemi .*\nhint: install one: meltemi install/,
    );
    assert.match((await run(["get", "vs"])).errors, /error: The cluster doesn't know virtualservices/);
    assert.match((await run(["version"])).output, /control plane: not running\n$/);
  });
});

interface DumpedSecret {
  readonly secret?: {
    readonly tls_certificate?: { readonly private_key?: { readonly inline_bytes?: string } };
  };
}
