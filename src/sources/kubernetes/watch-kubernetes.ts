// A cluster's objects as the control plane takes them: one replica for each kind, the mesh's configuration, the Secrets
// that are named, and from selected namespaces only. It writes nothing to the cluster.

import { type ObjectKey, objectKey, parseObjectKey } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import type { ConfigMap } from "../../kinds/config-map.ts";
import { configMapKind } from "../../kinds/config-map.ts";
import { isMeshKind, type Kind, type KubernetesObject } from "../../kinds/define-kind.ts";
import type { DestinationRule } from "../../kinds/destination-rule/destination-rule.ts";
import type { Gateway } from "../../kinds/gateway/gateway.ts";
import type { MeshConfig } from "../../kinds/mesh-config/mesh-config.ts";
import type { Namespace } from "../../kinds/namespace.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import { resourceOfKind } from "../../kubernetes/api-resource.ts";
import { MESH_CONFIG_KEY } from "../files/mesh-config-text.ts";
import { createCollections } from "./collections.ts";
import type { CollectionChanges, FollowContext, KeyedObject } from "./follow-collection.ts";
import { ingestObject } from "./ingest-object.ts";
import { chooseInjectionConfig, injectionConfigMapNames } from "./injection-config-maps.ts";
import { followInjectors, type Injector, tagsOfRevision } from "./injectors.ts";
import { createInternPool } from "./intern-pool.ts";
import { meshConfigMapNames, readMeshConfig } from "./mesh-config-maps.ts";
import { createNamespaceSelection } from "./namespace-selection.ts";
import type { RawObject } from "./raw-object.ts";
import { isOfRevision } from "./revision.ts";
import { createSecretFollower } from "./secret-follower.ts";
import { watchedKinds } from "./watched-kinds.ts";

export interface KubernetesChanges {
  readonly upserts: readonly KeyedObject[];
  readonly deletes: readonly ObjectKey[];
}

export interface WatchKubernetesOptions extends FollowContext {
  readonly signal: AbortSignal;
  /** Where the control plane runs, and its mesh configuration is. */
  readonly systemNamespace: string;
  /** Its own revision; `default` unless given. */
  readonly revision?: string;
  /** Told who injects pods, before anything else and at each change. */
  readonly onInjectors?: (injectors: readonly Injector[]) => void;
  /** `watchedKinds` unless given. */
  readonly kinds?: readonly Kind[];
  /** Everything at once, as soon as it is complete; called once. */
  readonly onSync: (entries: readonly KeyedObject[]) => void;
  /** Every change after it. */
  readonly onChange: (changes: KubernetesChanges) => void;
  /** The ConfigMap that holds injection's configuration, whenever it may have changed; undefined where there is none. */
  readonly onInjectionConfig?: (configMap: ConfigMap | undefined) => void;
  /** What is wrong with an object, from the first on; an empty list where nothing is any more. */
  readonly onProblems?: (object: ObjectKey, problems: readonly Problem[]) => void;
}

/** Starts at once; ends with the signal. */
export function watchKubernetes(options: WatchKubernetesOptions): void {
  new ClusterWatch(options).start();
}

class ClusterWatch {
  readonly #options: WatchKubernetesOptions;
  readonly #collections;
  readonly #secrets;
  readonly #selection;
  readonly #configMapNames: readonly string[];
  readonly #injectionConfigMapNames: readonly string[];
  #meshConfig: MeshConfig | undefined;
  #hasMeshConfig = false;
  /** Everything is passed on from here on. */
  #isSynced = false;
  /** Undefined until they are known. */
  #tags: readonly string[] | undefined;
  readonly #meshKinds: ReadonlySet<string>;

  constructor(options: WatchKubernetesOptions) {
    this.#options = options;
    this.#selection = createNamespaceSelection(options.systemNamespace);
    this.#configMapNames = meshConfigMapNames(options.revision ?? "default");
    this.#injectionConfigMapNames = injectionConfigMapNames(options.revision ?? "default");
    const pool = createInternPool();
    const { revision = "default" } = options;
    const isOurs = (raw: RawObject) => isOfRevision(raw, [revision, ...(this.#tags ?? [])]);
    const meshKinds = new Set((options.kinds ?? watchedKinds).filter(isMeshKind).map(({ kind }) => kind));
    this.#meshKinds = meshKinds;
    this.#collections = createCollections({
      ...options,
      ingest: (raw) => (meshKinds.has(raw.kind ?? "") && !isOurs(raw) ? {} : ingestObject(raw, pool)),
      onChange: (kind, changes) => this.#take(kind, changes),
      onSynced: () => this.#advanceSync(),
    });
    this.#secrets = createSecretFollower({
      collections: this.#collections,
      clock: options.clock,
      naming: () => ({
        gateways: this.#inForce<Gateway>("Gateway"),
        destinationRules: this.#inForce<DestinationRule>("DestinationRule"),
        pods: this.#inForce<Pod>("Pod"),
      }),
    });
  }

  /** Tags first: by them it is known which objects are meant. */
  start(): void {
    const { onInjectors, revision = "default" } = this.#options;
    followInjectors({
      ...this.#options,
      onInjectors: (injectors) => {
        onInjectors?.(injectors);
        const before = this.#tags;
        this.#tags = tagsOfRevision(injectors, revision);
        if (before === undefined) this.#follow();
        else if (before.join() !== this.#tags.join()) this.#collections.renew(this.#meshKinds);
      },
    });
  }

  #follow(): void {
    const { kinds = watchedKinds, systemNamespace } = this.#options;
    for (const name of [...this.#configMapNames, ...this.#injectionConfigMapNames]) {
      this.#collections.follow({ resource: resourceOfKind(configMapKind), namespace: systemNamespace, name });
    }
    for (const kind of kinds) this.#collections.follow({ resource: resourceOfKind(kind) });
    this.#options.signal.addEventListener("abort", () => this.#secrets.close());
  }

  #take(kind: string, { upserts, deletes, problems }: CollectionChanges): void {
    for (const [key, found] of problems) this.#options.onProblems?.(key, found);
    const scoped = {
      upserts: upserts.filter(({ key }) => this.#isSelected(key)),
      deletes: deletes.filter((key) => this.#isSelected(key)),
    };
    const isConfig = kind === configMapKind.kind;
    const derived = [
      isConfig ? this.#readMeshConfig() : unchanged,
      isConfig || kind === "Namespace" ? this.#selectNamespaces() : unchanged,
    ];
    if (isConfig) this.#tellInjectionConfig();
    if (!this.#isSynced) {
      // The first mesh configuration that can be read may be all that was missing.
      if (isConfig) this.#advanceSync();
      return;
    }
    const all = [...(isConfig ? [] : [scoped]), ...derived];
    const changes = {
      upserts: all.flatMap((some) => some.upserts),
      deletes: all.flatMap((some) => some.deletes),
    };
    if (changes.upserts.length + changes.deletes.length > 0) this.#options.onChange(changes);
    this.#secrets.consider(kind);
  }

  /** Kinds first, then the Secrets that they name: without those a gateway would lose its listeners at each restart. */
  #advanceSync(): void {
    if (this.#isSynced || !this.#collections.isSynced()) return;
    if (!this.#hasMeshConfig && !this.#adoptFirstMeshConfig()) return;
    this.#selectNamespaces();
    if (this.#secrets.follow() || !this.#collections.isSynced()) return;
    this.#isSynced = true;
    const entries = [...this.#collections.objects()].filter(
      ({ key }) => this.#isSelected(key) && parseObjectKey(key).kind !== configMapKind.kind,
    );
    if (this.#meshConfig !== undefined) entries.push({ key: MESH_CONFIG_KEY, object: this.#meshConfig });
    this.#options.onSync(entries);
  }

  /** False while a broken one is all there is: defaults in its place would change the mesh. */
  #adoptFirstMeshConfig(): boolean {
    this.#readMeshConfig();
    return this.#hasMeshConfig;
  }

  #readMeshConfig(): KubernetesChanges {
    const configMaps = [...this.#collections.objectsOfKind<ConfigMap>(configMapKind.kind)];
    const { state, meshConfig, problems } = readMeshConfig(configMaps, this.#configMapNames);
    for (const { metadata } of configMaps) {
      const { namespace, name } = metadata;
      const key = objectKey({ kind: configMapKind.kind, namespace, name });
      this.#options.onProblems?.(
        key,
        problems.filter(({ object }) => object === key),
      );
    }
    if (state === "broken") {
      const { log } = this.#options;
      log.error({ problems: problems.map(({ message }) => message) }, "mesh config unreadable");
      return unchanged;
    }
    this.#hasMeshConfig = true;
    const before = this.#meshConfig;
    this.#meshConfig = meshConfig;
    if (meshConfig !== undefined) {
      return { upserts: [{ key: MESH_CONFIG_KEY, object: meshConfig }], deletes: [] };
    }
    return before === undefined ? unchanged : { upserts: [], deletes: [MESH_CONFIG_KEY] };
  }

  #tellInjectionConfig(): void {
    const configMaps = [...this.#collections.objectsOfKind<ConfigMap>(configMapKind.kind)];
    this.#options.onInjectionConfig?.(chooseInjectionConfig(configMaps, this.#injectionConfigMapNames));
  }

  /** Objects of namespaces that enter or leave the mesh. */
  #selectNamespaces(): KubernetesChanges {
    const namespaces = this.#collections.objectsOfKind<Namespace>("Namespace");
    const changed = new Set(this.#selection.update(namespaces, this.#meshConfig));
    if (changed.size === 0 || !this.#isSynced) return unchanged;
    const concerned = [...this.#collections.objects()].filter(({ key }) =>
      changed.has(parseObjectKey(key).namespace),
    );
    return {
      upserts: concerned.filter(({ key }) => this.#isSelected(key)),
      deletes: concerned.filter(({ key }) => !this.#isSelected(key)).map(({ key }) => key),
    };
  }

  #isSelected(key: ObjectKey): boolean {
    return this.#selection.isSelected(parseObjectKey(key).namespace);
  }

  #inForce<T extends KubernetesObject>(kind: string): readonly T[] {
    return [...this.#collections.objectsOfKind<T>(kind)].filter(({ metadata }) =>
      this.#selection.isSelected(metadata.namespace ?? ""),
    );
  }
}

const unchanged: KubernetesChanges = { upserts: [], deletes: [] };
