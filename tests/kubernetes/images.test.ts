import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { projectPath } from "../../src/process/project.ts";
import type { Cluster } from "./cluster/open-cluster.ts";
import { testCluster, whyNoTestCluster } from "./cluster/open-cluster.ts";

const skip = whyNoTestCluster();
const namespace = `images-test-${process.pid}`;
const { version } = JSON.parse(readFileSync(projectPath("package.json"), "utf8"));

// That the images hold all that their programs load, in containers as confined as the installer's.
describe("our images", { skip }, () => {
  let cluster: Cluster;

  before(async () => {
    cluster = testCluster();
    await cluster.kubectl(["create", "namespace", namespace]);
  });

  after(async () => {
    await cluster.kubectl(["delete", "namespace", namespace, "--wait=false"]);
  });

  /** Runs a container to its end; resolves to what it printed. */
  const runToEnd = async (name: string, container: object) => {
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name },
      spec: {
        restartPolicy: "Never",
        securityContext: { seccompProfile: { type: "RuntimeDefault" } },
        containers: [{ name: "main", imagePullPolicy: "Never", ...container }],
      },
    };
    await cluster.kubectl(["-n", namespace, "apply", "-f", "-"], { input: JSON.stringify(pod) });
    const hasEnded = "--for=jsonpath={.status.containerStatuses[0].state.terminated}";
    await cluster.kubectl(["-n", namespace, "wait", hasEnded, "--timeout=60s", `pod/${name}`], {
      timeoutMs: 65_000,
    });
    const exitCode = "jsonpath={.status.containerStatuses[0].state.terminated.exitCode}";
    const code = await cluster.kubectl(["-n", namespace, "get", `pod/${name}`, "-o", exitCode]);
    const output = await cluster.kubectl(["-n", namespace, "logs", name]);
    assert.equal(code, "0", output);
    return output;
  };

  test("meltemi/agent runs the agent and Envoy without root", async () => {
    const image = `meltemi/agent:${version}`;
    const said = await runToEnd("agent-version", { image, args: ["version"], securityContext: confined });
    assert.equal(said.trim(), version);
    const command = ["/usr/local/bin/envoy", "--version"];
    const envoy = await runToEnd("envoy-version", { image, command, securityContext: confined });
    assert.match(envoy, /\/1\.40\.0\//);
  });

  test("meltemi/agent captures a pod with NET_ADMIN and NET_RAW alone", async () => {
    const securityContext = {
      runAsUser: 0,
      runAsGroup: 0,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"], add: ["NET_ADMIN", "NET_RAW"] },
    };
    const ports = ["-p", "15001", "-z", "15006", "-u", "1337", "-m", "REDIRECT", "-i", "*", "-b", "*"];
    await runToEnd("agent-capture", {
      image: `meltemi/agent:${version}`,
      args: ["istio-iptables", ...ports],
      securityContext,
    });
  });

  test("meltemi/agent has both back ends of iptables, and nft", async () => {
    const image = `meltemi/agent:${version}`;
    for (const program of ["iptables-nft", "iptables-legacy", "nft"]) {
      const command = [`/usr/sbin/${program}`, "--version"];
      assert.match(await runToEnd(program, { image, command, securityContext: confined }), /v1\./);
    }
  });

  test("meltemi/control-plane has its program and the certificates of public authorities", async () => {
    const check = [
      'const { existsSync } = require("node:fs");',
      'const paths = ["/usr/lib/meltemi/dist/control-plane.js", "/etc/ssl/certs/ca-certificates.crt"];',
      'console.log(paths.filter((path) => !existsSync(path)).join(" ") || "all there");',
    ].join("");
    const command = ["/usr/bin/node", "-e", check];
    const image = `meltemi/control-plane:${version}`;
    assert.equal(
      (await runToEnd("control-plane", { image, command, securityContext: confined })).trim(),
      "all there",
    );
  });
});

const confined = {
  runAsNonRoot: true,
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};
