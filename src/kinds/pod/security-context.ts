// Which user a pod's processes run as, and what they may do.

import type { TypeOf } from "../schema.ts";
import { choice, flag, int64, list, message, text } from "../schema.ts";

const seLinuxOptions = message({ level: text(), role: text(), type: text(), user: text() });
export const seccompProfile = message(
  { localhostProfile: text() },
  { required: { type: choice("Localhost", "RuntimeDefault", "Unconfined") } },
);
const appArmorProfile = message(
  { localhostProfile: text() },
  { required: { type: choice("Localhost", "RuntimeDefault", "Unconfined") } },
);
const windowsOptions = message({
  gmsaCredentialSpec: text(),
  gmsaCredentialSpecName: text(),
  hostProcess: flag(),
  runAsUserName: text(),
});
const capabilities = message({ add: list(text()), drop: list(text()) });
const sysctl = message({}, { required: { name: text(), value: text() } });

const shared = {
  appArmorProfile,
  runAsGroup: int64(),
  runAsNonRoot: flag(),
  runAsUser: int64(),
  seLinuxOptions,
  seccompProfile,
  windowsOptions,
};

export const containerSecurityContext = message({
  ...shared,
  allowPrivilegeEscalation: flag(),
  capabilities,
  privileged: flag(),
  procMount: text(),
  readOnlyRootFilesystem: flag(),
});

export const podSecurityContext = message({
  ...shared,
  fsGroup: int64(),
  fsGroupChangePolicy: choice("OnRootMismatch", "Always"),
  seLinuxChangePolicy: text(),
  supplementalGroups: list(int64()),
  supplementalGroupsPolicy: text(),
  sysctls: list(sysctl),
});

export type ContainerSecurityContext = TypeOf<typeof containerSecurityContext>;
export type PodSecurityContext = TypeOf<typeof podSecurityContext>;
