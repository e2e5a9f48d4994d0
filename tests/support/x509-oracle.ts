// Another implementation of X.509 to compare with, in tests alone: @peculiar/x509.
// It is dear to load and slow, and never part of what runs in a mesh.

type Oracle = typeof import("@peculiar/x509");

/** Loads the library after the reflection functions that its container of plug-ins asks for at import. */
export async function loadX509Oracle(): Promise<Oracle> {
  const metadata = new WeakMap<object, Map<string, unknown>>();
  const reflection = {
    getMetadata: (key: string, target: object) => metadata.get(target)?.get(key),
    getOwnMetadata: (key: string, target: object) => metadata.get(target)?.get(key),
    defineMetadata(key: string, value: unknown, target: object) {
      const values = metadata.get(target) ?? new Map<string, unknown>();
      metadata.set(target, values.set(key, value));
    },
  };
  if (!("getMetadata" in Reflect)) Object.assign(Reflect, reflection);
  return import("@peculiar/x509");
}
