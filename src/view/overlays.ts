// Variants for the few proxies that differ: base rows × what differs. An overlay is a layer over another one that holds
// the rows that it changes and no others. It comes about when some proxy's profile names it: proxies with the same
// overlay share its rows, all others have none of it, and their layers stay as they are.

import type { Graph } from "../graph/graph.ts";
import type { Row, Table } from "../graph/table.ts";
import {
  asLayerId,
  type LayerId,
  layerKey,
  overlaidLayer,
  splitLayerKey,
  splitOverlaidLayer,
} from "./layer-id.ts";
import type { LayeredType, Profile } from "./profile.ts";

/** Layers under their overlays, as profiles name them: what an overlay leaves alone is found in the layer under it. */
export function underOverlays(layers: readonly LayerId[], overlayIds: readonly string[]): readonly LayerId[] {
  return layers.flatMap((layer) => [...overlayIds.map((id) => overlaidLayer(layer, id)), layer]);
}

interface OverlaidLayer {
  readonly id: LayerId;
  readonly layer: LayerId;
  readonly overlay: string;
}

export interface OverlayDerivation<Base, Overlay, Result> {
  readonly name: string;
  readonly type: LayeredType;
  /** Rows by layer and name. */
  readonly base: Table<Base>;
  /** What differs, by the overlay's id; ids hold no bar and no caret. */
  readonly overlays: Table<Overlay>;
  /** Those that some connected proxy has, by id. */
  readonly profiles: Table<Profile>;
  /** Cheap: asked of each row of a layer that has the overlay. Rows that it leaves alone have no row in its layer. */
  readonly touches: (row: Base, overlay: Overlay) => boolean;
  /** Pure. The row in place of the base row, with what it comes from. */
  readonly apply: (row: Base, overlay: Overlay) => Result;
}

/** Rows by overlaid layer and name. */
export function deriveOverlaidRows<Base, Overlay, Result>(
  graph: Graph,
  derivation: OverlayDerivation<Base, Overlay, Result>,
): Table<Result> {
  const { name, base, overlays, touches, apply } = derivation;
  const byLayer = graph.index(declareOverlaidLayers(graph, derivation), `${name} by layer`, ({ layer }) => [
    layer,
  ]);
  const touched = graph.derive<Base, TouchedRow>({
    name: `${name}, rows touched`,
    from: base,
    *rows(key, row, read) {
      const { layer, name: rowName } = splitLayerKey(key);
      for (const [id, { overlay }] of read.find(byLayer, layer)) {
        const what = read.get(overlays, overlay);
        if (what !== undefined && touches(row, what))
          yield [layerKey(asLayerId(id), rowName), { key, overlay }];
      }
    },
  });
  return graph.derive<TouchedRow, Result>({
    name,
    from: touched,
    rows(at, { key, overlay }, read) {
      const row = read.get(base, key);
      const what = read.get(overlays, overlay);
      return row === undefined || what === undefined ? [] : [[at, apply(row, what)]];
    },
  });
}

interface TouchedRow {
  readonly key: string;
  readonly overlay: string;
}

/** Those that some proxy has, by id. */
function declareOverlaidLayers(
  graph: Graph,
  { name, type, profiles }: Pick<OverlayDerivation<unknown, unknown, unknown>, "name" | "type" | "profiles">,
): Table<OverlaidLayer> {
  const groups = graph.group(
    `${name}, profiles by overlaid layer`,
    graph.index(profiles, `overlaid layers of ${name}`, ({ layers }) =>
      layers[type].filter((id) => splitOverlaidLayer(id) !== undefined),
    ),
  );
  return graph.derive<readonly Row<Profile>[], OverlaidLayer>({
    name: `${name}, overlaid layers`,
    from: groups,
    rows(key) {
      const id = asLayerId(key);
      const parts = splitOverlaidLayer(id);
      return parts === undefined ? [] : [[id, { id, ...parts }]];
    },
  });
}
