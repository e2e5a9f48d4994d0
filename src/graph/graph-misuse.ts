// Thrown where the program, not the user, breaks a rule of the graph: it always reaches the caller of `commit`.

export class GraphMisuse extends Error {
  override readonly name = "GraphMisuse";
}
