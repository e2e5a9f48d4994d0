// What a Sidecar's schema can't say: its ports, and hosts of the form `NAMESPACE/HOST`.

import { checkLabel, isDnsLabel } from "../object-name.ts";
import type { Findings } from "../value-rules.ts";
import { checkIpAddress, checkPort, checkWildcardHostname } from "../value-rules.ts";
import type { SidecarEgressListener, SidecarIngressListener, SidecarSpec } from "./sidecar-spec.ts";

interface SidecarLike {
  readonly spec?: SidecarSpec;
}

export function* sidecarRules({ spec = {} }: SidecarLike): Findings {
  for (const [key, value] of Object.entries(spec.workloadSelector?.labels ?? {})) {
    yield* checkLabel(key, value, "spec.workloadSelector.labels");
  }
  const numbers = new Set<number>();
  for (const [index, listener] of (spec.ingress ?? []).entries()) {
    const path = `spec.ingress[${index}]`;
    yield* checkIngress(path, listener);
    const { number } = listener.port;
    if (number !== undefined && numbers.has(number)) {
      yield { path: `${path}.port.number`, message: `there are two ingress listeners on port ${number}` };
    }
    if (number !== undefined) numbers.add(number);
  }
  for (const [index, listener] of (spec.egress ?? []).entries()) {
    yield* checkEgress(`spec.egress[${index}]`, listener);
  }
}

function* checkIngress(
  path: string,
  { bind = "", defaultEndpoint = "", port }: SidecarIngressListener,
): Findings {
  if (port.number === undefined)
    yield { code: "MLT1006", path: `${path}.port.number`, message: "a listener needs a port number" };
  yield* checkPort(`${path}.port.number`, port.number);
  if (bind !== "") yield* checkIpAddress(`${path}.bind`, bind);
  const isEndpoint = /^(127\.0\.0\.1|0\.0\.0\.0|\[::1\]|\[::\]):\d{1,5}$|^unix:\/\/.+$/.test(defaultEndpoint);
  if (defaultEndpoint !== "" && !isEndpoint) {
    const message = `"${defaultEndpoint}" isn't an endpoint, wanted "127.0.0.1:PORT", "0.0.0.0:PORT" or "unix://PATH"`;
    yield { path: `${path}.defaultEndpoint`, message };
  }
}

function* checkEgress(path: string, { bind = "", hosts, port }: SidecarEgressListener): Findings {
  yield* checkPort(`${path}.port.number`, port?.number);
  if (bind !== "" && !bind.startsWith("unix://")) yield* checkIpAddress(`${path}.bind`, bind);
  if (hosts.length === 0)
    yield { code: "MLT1006", path: `${path}.hosts`, message: "at least one host is needed" };
  for (const [index, host] of hosts.entries()) yield* checkScopedHost(`${path}.hosts[${index}]`, host);
}

function* checkScopedHost(path: string, text: string): Findings {
  const [namespace = "", host, ...more] = text.split("/");
  if (host === undefined || more.length > 0) {
    yield { path, message: `found "${text}", wanted NAMESPACE/HOST, such as "./*" or "prod/reviews.prod"` };
    return;
  }
  if (!["*", ".", "~"].includes(namespace) && !isDnsLabel(namespace)) {
    yield { path, message: `"${namespace}" isn't "*", ".", "~" or a namespace's name` };
  }
  if (host !== "*") yield* checkWildcardHostname(path, host);
}
