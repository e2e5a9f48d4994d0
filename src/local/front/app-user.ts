// Who runs applications whose pods don't say: whoever started the mesh, unless that is the machine's root. Then it is who
// called sudo, or nobody.

import type { MeshPrivilege } from "./machine-ability.ts";

export interface AppUser {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  /** Id 0 is the machine's root, which no pod gets. */
  readonly replacesRoot: boolean;
}

export interface Caller {
  readonly privilege: MeshPrivilege;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** The text of /etc/passwd. */
  readonly passwd: string;
}

const NOBODY = 65_534;

export function chooseAppUser({ privilege, env, home, passwd }: Caller): AppUser {
  // In a user namespace the caller is its root.
  if (privilege === "user-namespace") return { uid: 0, gid: 0, home, replacesRoot: false };
  const [uid, gid] = [idOf(env.SUDO_UID), idOf(env.SUDO_GID)];
  if (uid === undefined || gid === undefined) {
    return { uid: NOBODY, gid: NOBODY, home: "/", replacesRoot: true };
  }
  return { uid, gid, home: homeOf(uid, passwd) ?? "/", replacesRoot: true };
}

function idOf(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9][0-9]{0,9}$/.test(text) ? Number(text) : undefined;
}

function homeOf(uid: number, passwd: string): string | undefined {
  const entry = passwd.split("\n").find((line) => line.split(":")[2] === String(uid));
  const home = entry?.split(":")[5];
  return home === undefined || home === "" ? undefined : home;
}
