// `meltemi proxy-status`: every connected proxy and how far it is in step, with what it refused and why.

import type { ProxyStatus, SyncedType } from "../admin/contract/control-plane.ts";
import { nearestSpelling } from "../core/nearest-spelling.ts";
import { withMesh } from "./choose-mesh.ts";
import type { CommandContext, CommandInput } from "./command.ts";
import { textArgument, textOption } from "./command.ts";
import type { ExitCode } from "./exit-code.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import { parseOutputFormat, writeValue } from "./output-format.ts";
import { renderTable } from "./table.ts";
import type { Terminal } from "./terminal.ts";
import { paint } from "./terminal.ts";
import { uninjectedText } from "./uninjected-text.ts";

/** Ends with 1 when a proxy has refused something, so that scripts can ask. */
export async function run(context: CommandContext, input: CommandInput): Promise<ExitCode> {
  const { terminal } = context;
  const format = parseOutputFormat(textOption(input, "output"), ["table", "json", "yaml"]);
  const { all, uninjected } = await withMesh(context, input, async (mesh) => ({
    all: await mesh.proxies(),
    uninjected: await mesh.uninjected(),
  }));
  const [name, namespace] = [textArgument(input, 0), textOption(input, "namespace")];
  const proxies = chooseProxies(all, name, namespace);
  if (format === "json" || format === "yaml") await writeValue(terminal, proxies, format);
  else {
    terminal.write(proxyStatusTable(proxies));
    terminal.write(rejectionText(terminal, proxies));
  }
  // Whoever asks for one proxy isn't told of pods that have none.
  const missing = uninjected.filter((group) => namespace === undefined || group.namespace === namespace);
  if (name === undefined) terminal.writeError(uninjectedText(terminal, missing));
  return proxies.some(({ nacks }) => nacks.length > 0) ? exitCodes.no : exitCodes.done;
}

/** By name, `NAME.NAMESPACE`, or a workload's name, with which those of its pods begin, and `WORKLOAD.NAMESPACE`. */
export function chooseProxies(
  all: readonly ProxyStatus[],
  name: string | undefined,
  namespace: string | undefined,
): readonly ProxyStatus[] {
  const near = all.filter((proxy) => namespace === undefined || proxy.namespace === namespace);
  if (name === undefined) return near;
  const bare = name.replace(/^[a-z]+\//, "");
  const exact = near.filter((proxy) => proxy.name === bare || fullName(proxy) === bare);
  const dot = bare.lastIndexOf(".");
  const isOf = (proxy: ProxyStatus, workload: string) => proxy.name.startsWith(`${workload}-`);
  const ofWorkload = near.filter(
    (proxy) =>
      isOf(proxy, bare) ||
      (proxy.namespace === bare.slice(dot + 1) && isOf(proxy, bare.slice(0, Math.max(dot, 0)))),
  );
  const chosen = exact.length > 0 ? exact : ofWorkload;
  if (chosen.length > 0) return chosen;
  const nearest = nearestSpelling(
    bare,
    near.flatMap((proxy) => [proxy.name, fullName(proxy)]),
  );
  const hint = nearest === undefined ? "see them: meltemi proxy-status" : `did you mean "${nearest}"?`;
  throw new CommandFailure(exitCodes.no, `No connected proxy is called "${name}"`, hint);
}

const types: readonly SyncedType[] = ["cds", "lds", "eds", "rds", "ecds"];

export function proxyStatusTable(proxies: readonly ProxyStatus[]): string {
  if (proxies.length === 0) return "No proxy is connected\n";
  const hasReplicas = proxies.some(({ controlPlane }) => controlPlane !== undefined);
  const titles = ["NAME", "TYPE", ...types.map((type) => type.toUpperCase()), "VERSION"];
  const rows = [...proxies]
    .sort((one, other) => fullName(one).localeCompare(fullName(other)))
    .map((proxy) => [
      ...[fullName(proxy), typeCell(proxy), ...types.map((type) => cell(proxy, type)), proxy.version],
      ...(hasReplicas ? [proxy.controlPlane] : []),
    ]);
  return renderTable(hasReplicas ? [...titles, "CONTROL PLANE"] : titles, rows);
}

/** What an older control plane says of a proxy doesn't tell whether it is a pod. */
function typeCell({ type, isPod }: ProxyStatus): string {
  return isPod === false ? `${type} (no pod)` : type;
}

function cell({ acked, nacks }: ProxyStatus, type: SyncedType): string {
  const state = acked[type] ?? "NOT SENT";
  return nacks.some((nack) => nack.type.toLowerCase() === type) ? `${state} (refused)` : state;
}

function rejectionText(terminal: Terminal, proxies: readonly ProxyStatus[]): string {
  const lines = proxies.flatMap((proxy) =>
    proxy.nacks.map(({ type, message, object, location }) => {
      const source = [object, location].filter((part) => part !== undefined).join(" at ");
      const made = source === "" ? "" : ` (made of ${source})`;
      return `${paint(terminal, "red", "refused")} by ${fullName(proxy)}: ${type}: ${message}${made}\n`;
    }),
  );
  return lines.length === 0 ? "" : `\n${lines.join("")}`;
}

function fullName({ name, namespace }: ProxyStatus): string {
  return name.endsWith(`.${namespace}`) ? name : `${name}.${namespace}`;
}
