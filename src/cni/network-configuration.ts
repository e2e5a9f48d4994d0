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

export interface ConfigurationFile {
  readonly name: string;
  readonly text: string;
}

type Plugin = Readonly<Record<string, unknown>>;

interface NetworkList {
  readonly plugins: readonly Plugin[];
  readonly [key: string]: unknown;
}

/** A file of one plugin becomes a list of another name. Undefined where the text is no network configuration. */
export function chainPlugin(
  { name, text }: ConfigurationFile,
  plugin: ShimConfiguration,
): ConfigurationFile | undefined {
  const network = parseNetwork(text);
  if (network === undefined) return undefined;
  const { isSingle, list } = network;
  // By its name the file comes back when we go.
  const replacedFile = isSingle ? name : ownEntry(list)?.replacedFile;
  const own = { ...plugin, ...(replacedFile === undefined ? {} : { replacedFile }) };
  return {
    name: isSingle ? name.replace(/\.(conf|json)$/, ".conflist") : name,
    text: format({ ...list, plugins: [...withoutOurs(list), own] }),
  };
}

/** The file as it was before; itself where our plugin isn't in it. */
export function unchainPlugin(file: ConfigurationFile): ConfigurationFile {
  const list = parseNetwork(file.text)?.list;
  const own = list === undefined ? undefined : ownEntry(list);
  if (list === undefined || own === undefined) return file;
  const { plugins: _plugins, ...rest } = list;
  const plugins = withoutOurs(list);
  return typeof own.replacedFile === "string" && plugins.length === 1
    ? { name: own.replacedFile, text: format({ ...rest, ...plugins[0] }) }
    : { name: file.name, text: format({ ...rest, plugins }) };
}

/** Whether it is in as wanted, behind what makes the pod's network; others may have put themselves behind it. */
export function isChained(text: string, plugin: ShimConfiguration): boolean {
  const { list, isSingle } = parseNetwork(text) ?? {};
  if (list === undefined || isSingle === true || list.plugins[0]?.type === SHIM_NAME) return false;
  const own = ownEntry(list);
  return own !== undefined && Object.entries(plugin).every(([key, value]) => own[key] === value);
}

export function isNetwork(text: string): boolean {
  return parseNetwork(text) !== undefined;
}

function ownEntry({ plugins }: NetworkList): Plugin | undefined {
  return plugins.find(({ type }) => type === SHIM_NAME);
}

function withoutOurs({ plugins }: NetworkList): readonly Plugin[] {
  return plugins.filter(({ type }) => type !== SHIM_NAME);
}

interface Network {
  readonly list: NetworkList;
  /** A file of one plugin, outside of any list. */
  readonly isSingle: boolean;
}

function parseNetwork(text: string): Network | undefined {
  const value = parseJson(text);
  if (!isRecord(value)) return undefined;
  if (Array.isArray(value.plugins)) {
    const isList = value.plugins.length > 0 && value.plugins.every(isRecord);
    return isList ? { list: value as NetworkList, isSingle: false } : undefined;
  }
  if (typeof value.type !== "string") return undefined;
  const { cniVersion = "0.3.1", name, ...plugin } = value;
  return { list: { name, cniVersion, plugins: [plugin] }, isSingle: true };
}

function format(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
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
