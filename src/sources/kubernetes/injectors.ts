// Who injects pods in this cluster, whichever mesh's: by these the control plane knows the tags that point to its
// revision. They come, move and go while it runs.

import type { LabelSelector, Labels } from "../../core/label-selector.ts";
import type { KubernetesObject } from "../../kinds/define-kind.ts";
import type { ApiResource } from "../../kubernetes/api-resource.ts";
import { type FollowContext, followCollection, type Replica } from "./follow-collection.ts";
import type { RawObject } from "./raw-object.ts";
import { REVISION_LABEL } from "./revision.ts";

/** A MutatingWebhookConfiguration, as much as says which pods it is asked about. */
export interface Injector {
  readonly name: string;
  readonly labels: Labels;
  readonly webhooks: readonly {
    readonly namespaceSelector?: LabelSelector;
    readonly objectSelector?: LabelSelector;
  }[];
}

export interface InjectorsOptions extends FollowContext {
  readonly signal: AbortSignal;
  /** All of them, those of other programs among them: once as soon as they are known, then at each change. */
  readonly onInjectors: (injectors: readonly Injector[]) => void;
}

const TAG_LABEL = "istio.io/tag";
const INSTALLED_LABEL = "install.meltemi.dev/installation";

const injectorResource: ApiResource = {
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "MutatingWebhookConfiguration",
  plural: "mutatingwebhookconfigurations",
  isNamespaced: false,
};

/** Starts at once; ends with the signal. */
export function followInjectors({ onInjectors, ...options }: InjectorsOptions): void {
  const replica: Replica = new Map();
  let isSynced = false;
  const tell = () => {
    if (isSynced)
      onInjectors([...replica.values()].map(({ object }) => injectorOf(object as InjectorObject)));
  };
  void followCollection(
    { resource: injectorResource },
    {
      ...options,
      replica,
      ingest: (raw) => ({ object: injectorObjectOf(raw) }),
      onChange: tell,
      onSynced: () => {
        isSynced = true;
        tell();
      },
    },
  );
}

/** Another mesh's tag of the same revision's name points to that mesh. */
export function tagsOfRevision(injectors: readonly Injector[], revision: string): readonly string[] {
  return injectors
    .filter(({ labels }) => labels[REVISION_LABEL] === revision && labels[INSTALLED_LABEL] !== undefined)
    .flatMap(({ labels }) => labels[TAG_LABEL] ?? [])
    .sort();
}

interface InjectorObject extends KubernetesObject {
  readonly webhooks: Injector["webhooks"];
}

function injectorOf({ metadata: { name, labels = {} }, webhooks }: InjectorObject): Injector {
  return { name, labels, webhooks };
}

function injectorObjectOf({ metadata: { name, labels = {} }, ...raw }: RawObject): InjectorObject {
  const webhooks = (raw.webhooks ?? []) as Injector["webhooks"];
  return {
    apiVersion: injectorResource.apiVersion,
    kind: injectorResource.kind,
    metadata: { name, labels },
    webhooks: webhooks.map(({ namespaceSelector = {}, objectSelector = {} }) => ({
      namespaceSelector,
      objectSelector,
    })),
  };
}
