// An object of an installation: plain data of the form in which the API server takes it.

/** Names and labels are there from the start; what an API server adds is not. */
export interface InstallMetadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface InstallObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: InstallMetadata;
  readonly [field: string]: unknown;
}
