// An object as the API server sends it: its form is the server's promise, its fields are not picked yet.

export interface RawObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly uid?: string;
    readonly namespace?: string;
    readonly resourceVersion?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

export interface RawList {
  readonly metadata: {
    readonly resourceVersion: string;
    /** There is another page. */
    readonly continue?: string;
  };
  readonly items: readonly RawObject[] | null;
}
