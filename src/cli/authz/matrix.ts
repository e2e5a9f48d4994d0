// `meltemi authz matrix`: which Services let which identities in, port by port, from the filters that their Envoys hold.

import type { Mesh } from "../../admin/contract/mesh.ts";
import type { Call, HttpRequest, Peer } from "../../explain/call.ts";
import type { Decision } from "../../explain/decision.ts";
import type { ReceivedConfig } from "../../explain/received-config.ts";
import { known } from "../../explain/truth.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import type { Service } from "../../kinds/service.ts";
import { withMesh } from "../choose-mesh.ts";
import { type CommandContext, type CommandInput, textOption } from "../command.ts";
import { type ExitCode, exitCodes } from "../exit-code.ts";
import { checkNamespace } from "../get.ts";
import { parseOutputFormat, writeValue } from "../output-format.ts";
import { renderTable } from "../table.ts";
import {
  hasProxy,
  isGateway,
  type MeshPods,
  podPort,
  podsBehind,
  readMeshPods,
  serviceAccountOf,
} from "./mesh-pods.ts";

/** One Service's port. */
interface MatrixRow {
  readonly service: string;
  readonly port: number;
  /** By `NAMESPACE/SERVICEACCOUNT`, and `anonymous`. `differs`: between its pods. */
  readonly verdicts: Readonly<Record<string, Decision["verdict"] | "differs">>;
}

const ANONYMOUS = "anonymous";

export async function run(context: CommandContext, input: CommandInput): Promise<ExitCode> {
  const format = parseOutputFormat(textOption(input, "output"), ["table", "json", "yaml"]);
  const namespace = textOption(input, "namespace");
  const rows = await withMesh(context, input, async (mesh) => {
    const meshPods = await readMeshPods(mesh);
    const services = meshPods.services.filter(
      ({ metadata }) => namespace === undefined || metadata.namespace === namespace,
    );
    if (services.length === 0) await checkNamespace(mesh, namespace);
    return fillMatrix(mesh, services, meshPods);
  });
  if (format === "json" || format === "yaml") await writeValue(context.terminal, rows, format);
  else context.terminal.write(matrixTable(rows));
  return exitCodes.done;
}

function matrixTable(rows: readonly MatrixRow[]): string {
  if (rows.length === 0) return "No Service of the mesh has a pod that runs with a proxy\n";
  const callers = [...new Set(rows.flatMap(({ verdicts }) => Object.keys(verdicts)))];
  return renderTable(
    ["SERVICE", "PORT", ...callers],
    rows.map(({ service, port, verdicts }) => [service, `${port}`, ...callers.map((each) => verdicts[each])]),
  );
}

/** Services without a pod that has a proxy aren't in it: nobody decides for them. */
async function fillMatrix(
  mesh: Mesh,
  services: readonly Service[],
  meshPods: MeshPods,
): Promise<readonly MatrixRow[]> {
  const decide = await decider(Math.floor(Date.now() / 1000));
  const identities = identitiesOf(meshPods.pods);
  const configOf = rememberConfigs(mesh);
  const rows: MatrixRow[] = [];
  for (const service of services) {
    const pods = podsBehind(service, meshPods.pods).filter(hasProxy);
    const configs = await Promise.all(pods.map(configOf));
    for (const port of service.spec?.ports ?? []) {
      const places = pods.flatMap((pod, at) => placeOf(pod, configs[at], podPort(port, pod)));
      if (places.length === 0 || (port.protocol ?? "TCP") !== "TCP") continue;
      const verdictOf = (identity: Identity) =>
        merged(places.map((place) => decide(place, callOf(identity, place))));
      const verdicts = Object.fromEntries(identities.map((each) => [each.name, verdictOf(each)]));
      const { name, namespace } = service.metadata;
      rows.push({ service: `${name}.${namespace}`, port: port.port, verdicts });
    }
  }
  return rows;
}

type Decide = (place: Place, call: Call) => Decision["verdict"];

async function decider(nowSeconds: number): Promise<Decide> {
  const [{ decideAtSidecar }, { decideAtGateway }] = await Promise.all([
    import("../../explain/decide-at-sidecar.ts"),
    import("../../explain/decide-at-gateway.ts"),
  ]);
  return ({ config, isGateway: isAtGateway }, call) => {
    if (!isAtGateway) return decideAtSidecar(config, call, { nowSeconds }).verdict;
    const plain = decideAtGateway(config, call, { isTls: false, nowSeconds });
    // A port of TLS alone.
    if (plain.reason.kind !== "no-server") return plain.verdict;
    return decideAtGateway(config, call, { isTls: true, nowSeconds }).verdict;
  };
}

interface Identity {
  readonly name: string;
  /** Absent: none. */
  readonly account?: { readonly namespace: string; readonly name: string };
  /** Where one pod alone has it. */
  readonly ip?: string;
}

/** Of the pods that have a proxy, and that of whoever has none. */
function identitiesOf(pods: readonly Pod[]): readonly Identity[] {
  const byName = new Map<string, readonly Pod[]>();
  for (const pod of pods.filter(hasProxy)) {
    const name = `${pod.metadata.namespace}/${serviceAccountOf(pod)}`;
    byName.set(name, [...(byName.get(name) ?? []), pod]);
  }
  const named = [...byName].map(([name, own]): Identity => {
    const [first] = own;
    const ip = own.length === 1 ? first?.status?.podIP : undefined;
    const [namespace = "", account = ""] = name.split("/");
    return { name, account: { namespace, name: account }, ...(ip === undefined ? {} : { ip }) };
  });
  return [...named.sort((one, other) => (one.name < other.name ? -1 : 1)), { name: ANONYMOUS }];
}

interface Place {
  readonly config: ReceivedConfig;
  readonly ip: string | undefined;
  readonly port: number;
  readonly isGateway: boolean;
}

function placeOf(pod: Pod, config: ReceivedConfig | undefined, port: number | undefined): readonly Place[] {
  return config === undefined || port === undefined
    ? []
    : [{ config, ip: pod.status?.podIP, port, isGateway: isGateway(pod) }];
}

/** Of a request of which nothing is known but who sends it. */
function callOf({ account, ip: sourceIp }: Identity, { config, ip, port }: Place): Call {
  const request: HttpRequest = {
    method: undefined,
    authority: undefined,
    path: undefined,
    headers: undefined,
  };
  const uri = `spiffe://${config.trustDomain}/ns/${account?.namespace}/sa/${account?.name}`;
  const peer: Peer =
    account === undefined ? { kind: "anonymous" } : { kind: "certificate", names: known([uri]) };
  return {
    peer,
    sourceIp: sourceIp === undefined ? undefined : known(sourceIp),
    destinationIp: ip === undefined ? undefined : known(ip),
    destinationPort: port,
    serverName: undefined,
    request,
  };
}

function merged(verdicts: readonly Decision["verdict"][]): Decision["verdict"] | "differs" {
  const [first = "denied"] = verdicts;
  return verdicts.every((each) => each === first) ? first : "differs";
}

/** A pod may be behind several Services. */
function rememberConfigs(mesh: Mesh): (pod: Pod) => Promise<ReceivedConfig> {
  const configs = new Map<string, Promise<ReceivedConfig>>();
  return ({ metadata: { namespace, name } }) => {
    const key = `${namespace}/${name}`;
    const config = configs.get(key) ?? readConfig(mesh, { namespace, name });
    configs.set(key, config);
    return config;
  };
}

async function readConfig(mesh: Mesh, pod: { readonly namespace: string; readonly name: string }) {
  const { readReceivedConfig } = await import("../../explain/received-config.ts");
  return readReceivedConfig(await mesh.envoy(pod, "/config_dump"));
}
