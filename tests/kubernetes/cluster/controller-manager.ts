// The flags of kube-controller-manager in tests: no leader election, each controller with its own rights.

import { join } from "node:path";

export interface ControllerManagerOptions {
  /** Where the key of ServiceAccount tokens is. */
  readonly folder: string;
  readonly kubeconfigPath: string;
  readonly rootPath: string;
  /** More flags. */
  readonly flags?: readonly string[];
}

export function controllerManagerFlags(options: ControllerManagerOptions): readonly string[] {
  const { folder, kubeconfigPath, rootPath, flags = [] } = options;
  return [
    ...["--kubeconfig", kubeconfigPath, "--leader-elect=false", "--use-service-account-credentials=true"],
    ...["--secure-port", "0", "--root-ca-file", rootPath],
    ...["--service-account-private-key-file", join(folder, "service-accounts.key")],
    ...flags,
  ];
}
