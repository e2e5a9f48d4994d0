// What stands in the way of asking a mesh in a cluster, told to a person. What the API server refuses is an ApiError.

export class ClusterRefusal extends Error {
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.name = "ClusterRefusal";
    this.hint = hint;
  }
}
