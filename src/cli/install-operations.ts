// What the commands about an installation need of the rooms that the CLI may not import; main provides it.
// Its functions throw a CommandFailure where the choice, the kubeconfig or the cluster stands in the way.

/** As the user gave them; absent ones are the profile's. */
export interface InstallChoices {
  readonly profile?: string;
  /** The control plane's; where the revision is installed already, else the usual one. */
  readonly namespace?: string;
  /** Values of the control plane's chart, and of a gateway's. */
  readonly valuesFile?: string;
  readonly gatewayValuesFile?: string;
  readonly revision?: string;
  readonly hub?: string;
  readonly tag?: string;
  readonly imagePullPolicy?: string;
  readonly replicas?: string;
  readonly cniRepair?: string;
  readonly cniBinDir?: string;
  readonly cniConfDir?: string;
  readonly meshConfigFile?: string;
}

export interface ClusterChoices {
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** How a command talks to its user while it is at work. */
export interface Progress {
  readonly onProgress: (sentence: string) => void;
  readonly signal: AbortSignal;
}

export interface RevisionTag {
  readonly tag: string;
  readonly revision: string;
  /** Whose pods it injects, by their labels. */
  readonly namespaces: readonly string[];
}

export interface RemovalPlan {
  /** Pods whose proxies ask its control plane. */
  readonly dependents: readonly { readonly namespace: string; readonly pods: readonly string[] }[];
  /** Whose new pods start without a sidecar. */
  readonly askingNamespaces: readonly string[];
  /** What a purge takes besides; undefined where there is none, or another revision needs it. */
  readonly purged:
    | {
        readonly definitionCount: number;
        readonly objects: readonly { readonly kind: string; readonly count: number }[];
        readonly namespaces: readonly string[];
      }
    | undefined;
}

export interface InstallOperations {
  /** In the order in which they are applied. */
  manifest(choices: InstallChoices): Promise<readonly object[]>;
  install(
    choices: InstallChoices & ClusterChoices,
    options: Progress & { readonly timeoutMs: number; readonly isUpgrade: boolean },
  ): Promise<{ readonly isHealthy: boolean; readonly findings: readonly string[] }>;
  /** Counts what `uninstall` would do; throws where it would be refused. */
  planRemoval(
    choices: ClusterChoices & { readonly revision: string },
    options: Progress & { readonly isPurge: boolean },
  ): Promise<RemovalPlan>;
  uninstall(
    choices: ClusterChoices & { readonly revision: string },
    options: Progress & { readonly timeoutMs: number; readonly isPurge: boolean },
  ): Promise<{
    readonly removedCount: number;
    readonly otherRevisions: readonly string[];
    readonly remaining: readonly string[];
  }>;
  tags(choices: ClusterChoices, options: Progress): Promise<readonly RevisionTag[]>;
  /** Throws where it can't be set. */
  setTag(
    choices: ClusterChoices & { readonly revision: string; readonly tag: string },
    options: Progress & { readonly timeoutMs: number; readonly isOverwrite: boolean },
  ): Promise<void>;
  /** Throws where it can't be removed. */
  removeTag(
    choices: ClusterChoices & { readonly tag: string },
    options: Progress & { readonly isForced: boolean },
  ): Promise<void>;
  /** Throws where it can't be moved; without `to`, back. */
  moveNamespace(
    choices: ClusterChoices & { readonly namespace: string; readonly to?: string },
    options: Progress & { readonly timeoutMs: number },
  ): Promise<{ readonly to: string; readonly workloadCount: number }>;
  precheck(
    choices: InstallChoices & ClusterChoices,
    options: Progress,
  ): Promise<
    readonly {
      readonly severity: "error" | "warning";
      readonly message: string;
      readonly hint?: string;
    }[]
  >;
}
