// What the manifests say just now, by key, and where they say it.

import type { Location } from "../../core/location.ts";
import { type ObjectKey, objectKey } from "../../core/object-key.ts";
import { locate, movedPositions } from "../../core/positions.ts";
import type { Declarations, DeclaredObject } from "./front-protocol.ts";

export class DeclaredObjects {
  readonly #declared = new Map<ObjectKey, DeclaredObject>();

  apply({ upserts, moves, deletes }: Declarations): void {
    for (const declared of upserts) this.#declared.set(keyOfDeclared(declared), declared);
    for (const move of moves) {
      const known = this.#declared.get(move.key);
      if (known?.positions === undefined) continue;
      this.#declared.set(move.key, { ...known, positions: movedPositions(known.positions, move) });
    }
    for (const key of deletes) this.#declared.delete(key);
  }

  get(key: ObjectKey): DeclaredObject | undefined {
    return this.#declared.get(key);
  }

  /** Undefined for what no file holds. */
  locate(key: ObjectKey, path: string): Location | undefined {
    const positions = this.#declared.get(key)?.positions;
    return positions === undefined ? undefined : locate(positions, path);
  }
}

export function keyOfDeclared({ object }: DeclaredObject): ObjectKey {
  const { name, namespace = "" } = object.metadata;
  return objectKey({ kind: object.kind, namespace, name });
}
