// `agent request` and `agent wait`: called by probes, lifecycle hooks and people in a proxy's container.

import { isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import { parseArgs } from "node:util";
import { ipFamiliesOf, loopbacksOf } from "../../core/ip-families.ts";
import { askAgent, waitForProxy } from "../pod/agent-request.ts";
import { podAddresses } from "../pod/pod-addresses.ts";

/** Prints the answer; 0 for a status below 300. */
export async function runRequest(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { "debug-port": { type: "string", default: "15000" } },
  });
  const [method = "GET", path = "/"] = positionals;
  const url = new URL(`http://${loopbackHost()}:${values["debug-port"]}/${path.replace(/^\//, "")}`);
  const { status, body } = await askAgent({ method, url, timeoutMs: 60_000 });
  process.stdout.write(body);
  if (status < 300) return 0;
  process.stderr.write(`${method} ${url.pathname}: HTTP ${status}\n`);
  return 1;
}

export async function runWait(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      timeoutSeconds: { type: "string", default: "60" },
      requestTimeoutMillis: { type: "string", default: "500" },
      periodMillis: { type: "string", default: "500" },
      url: { type: "string", default: `http://${loopbackHost()}:15021/healthz/ready` },
    },
  });
  const isReady = await waitForProxy({
    url: new URL(values.url),
    timeoutMs: Number(values.timeoutSeconds) * 1000,
    requestTimeoutMs: Number(values.requestTimeoutMillis),
    periodMs: Number(values.periodMillis),
  });
  if (!isReady) process.stderr.write(`The proxy isn't ready after ${values.timeoutSeconds} s\n`);
  return isReady ? 0 : 1;
}

/** Where the proxy of this pod listens, as a URL writes it. */
function loopbackHost(): string {
  const [loopback] = loopbacksOf(ipFamiliesOf(podAddresses(networkInterfaces(), undefined)));
  return isIPv6(loopback) ? `[${loopback}]` : loopback;
}
