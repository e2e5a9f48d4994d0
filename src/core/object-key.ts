// The name of a Kubernetes-shaped object, branded so that it can't be mixed up with a hostname or a table key.

/** `Kind/namespace/name`; the namespace is empty for cluster-scoped kinds. */
export type ObjectKey = string & { readonly __brand: "ObjectKey" };

export interface ObjectKeyParts {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** None of the parts may hold a slash: Kubernetes names can't. */
export function objectKey({ kind, namespace, name }: ObjectKeyParts): ObjectKey {
  return `${kind}/${namespace}/${name}` as ObjectKey;
}

export function parseObjectKey(key: ObjectKey): ObjectKeyParts {
  const [kind = "", namespace = "", name = ""] = key.split("/");
  return { kind, namespace, name };
}

/** As people say it: `VirtualService shop/reviews`, `Namespace shop`. */
export function objectKeyText(key: ObjectKey): string {
  const { kind, namespace, name } = parseObjectKey(key);
  return namespace === "" ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}
