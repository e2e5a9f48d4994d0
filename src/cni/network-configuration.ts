// A node's CNI configuration with our plugin chained behind the others, or taken out again. Pure: text in, text out;
// what other plugins have in it stays as it is.

/** What the shim finds on its standard input, beside what the runtime adds. */
export interface ShimConfiguration {
  readonly type: string;
  readonly socket: string;
  readonly meshNamespacesFile: string;
}

/** The name of the plugin's program, by which we know our entry again. */
export const SHIM_NAME = "meltemi-cni";

interface NetworkList {
  readonly plugins: readonly Readonly<Record<string, unknown>>[];
  readonly [key: string]: unknown;
}

/** A `.conf` of one plugin becomes a list. Undefined where the text is no network configuration. */
export function chainPlugin(text: string, plugin: ShimConfiguration): string | undefined {
  const list = parseNetworkList(text);
  if (list === undefined) return undefined;
  const plugins = [...list.plugins.filter(({ type }) => type !== SHIM_NAME), { ...plugin }];
  return format({ ...list, plugins });
}

/** The text itself where our plugin isn't in it. */
export function unchainPlugin(text: string): string {
  const list = parseNetworkList(text);
  if (list === undefined || !hasPlugin(list)) return text;
  return format({ ...list, plugins: list.plugins.filter(({ type }) => type !== SHIM_NAME) });
}

/** Whether it is chained, last and as wanted. */
export function isChained(text: string, plugin: ShimConfiguration): boolean {
  const list = parseNetworkList(text);
  const last = list?.plugins.at(-1);
  return last !== undefined && JSON.stringify(last) === JSON.stringify(plugin);
}

function hasPlugin({ plugins }: NetworkList): boolean {
  return plugins.some(({ type }) => type === SHIM_NAME);
}

function parseNetworkList(text: string): NetworkList | undefined {
  const value = parseJson(text);
  if (!isRecord(value)) return undefined;
  if (Array.isArray(value.plugins)) {
    return value.plugins.length > 0 && value.plugins.every(isRecord) ? (value as NetworkList) : undefined;
  }
  if (typeof value.type !== "string") return undefined;
  const { cniVersion = "0.3.1", name, ...plugin } = value;
  return { name, cniVersion, plugins: [plugin] };
}

function format(list: NetworkList): string {
  return `${JSON.stringify(list, undefined, 2)}\n`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Half written by its owner: it is looked at again when it changes.
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
