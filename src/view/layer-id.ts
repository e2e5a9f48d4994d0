// Ids of layers of rows. They are made of what clients say of themselves, which must not pass for what parts a layer
// from a row's name, or from another layer.

export function withoutSeparators(id: string): string {
  return id.replaceAll(/[|^]/g, "_");
}
