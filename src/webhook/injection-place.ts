// Which cluster and network the pods of one webhook configuration are in, said by its path as Istio's does:
// /inject, /inject/cluster/CLUSTER, /inject/net/NETWORK, /inject/cluster/CLUSTER/net/NETWORK.

import type { InjectionSettings } from "../inject/injection-settings.ts";

export type InjectionPlace = Partial<Pick<InjectionSettings, "clusterId" | "network">>;

const fieldsByWord: Readonly<Record<string, keyof InjectionPlace>> = {
  cluster: "clusterId",
  net: "network",
};

/** What the path says and the settings don't; undefined where it isn't a path of injection. */
export function injectionPlace(path: string): InjectionPlace | undefined {
  const [empty, root, ...parts] = path.split("/");
  if (empty !== "" || root !== "inject" || parts.length % 2 !== 0) return undefined;
  const place: { -readonly [F in keyof InjectionPlace]: InjectionPlace[F] } = {};
  for (let index = 0; index < parts.length; index += 2) {
    const field = Object.hasOwn(fieldsByWord, parts[index] ?? "")
      ? fieldsByWord[parts[index] ?? ""]
      : undefined;
    const value = decode(parts[index + 1] ?? "");
    if (field === undefined || value === undefined || value === "" || place[field] !== undefined)
      return undefined;
    place[field] = value;
  }
  return place;
}

/** A slash in a name is written `%2F`, or as Istio's paths have it, `--slash--`. */
function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part).replaceAll("--slash--", "/");
  } catch {
    return undefined;
  }
}
