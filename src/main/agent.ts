// The program of a pod's containers on Kubernetes, with the subcommands of Istio's `pilot-agent`, so that what injection
// writes (ours or a user's own) runs it. Each subcommand is loaded alone: a proxy's agent must stay small.

import { networkInterfaces } from "node:os";
import { isSettingError } from "../agent/pod/environment-value.ts";

const [command = "", ...args] = process.argv.slice(2);

const usage = `usage: agent COMMAND
  proxy sidecar|router [--domain DOMAIN]   run Envoy and what serves it
  istio-iptables [FLAGS]                   put the pod's interception in force
  istio-clean-iptables [FLAGS]             take it out again
  wait [--timeoutSeconds 60]               until the proxy is ready
  request METHOD PATH [--debug-port 15000] ask the proxy's admin interface
  version
`;

async function run(): Promise<number> {
  switch (command) {
    case "proxy": {
      const { runProxy } = await import("../agent/program/run-proxy.ts");
      return runProxy(args);
    }
    case "istio-iptables":
    case "istio-clean-iptables": {
      const { runCapture } = await import("../agent/program/run-capture.ts");
      const isRemoval = command === "istio-clean-iptables" || args.includes("--cleanup-only");
      return runCapture(args, { isRemoval, interfaces: networkInterfaces() });
    }
    case "wait":
    case "request": {
      const { runRequest, runWait } = await import("../agent/program/run-request.ts");
      return command === "wait" ? runWait(args) : runRequest(args);
    }
    case "version": {
      const { readVersion } = await import("../process/project.ts");
      process.stdout.write(`${readVersion()}\n`);
      return 0;
    }
    default:
      process.stderr.write(usage);
      return 2;
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return isSettingError(error) ? error.message : (error.stack ?? error.message);
}

run().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`agent ${command}: ${describe(error)}\n`);
    process.exit(1);
  },
);
