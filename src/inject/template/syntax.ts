// A parsed template: what the parser makes and the evaluator walks. Offsets are into the template's text.

export type Block = readonly TemplateNode[];

export type TemplateNode =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "print"; readonly pipeline: Pipeline }
  | {
      readonly kind: "if" | "with" | "range";
      readonly pipeline: Pipeline;
      readonly body: Block;
      /** Where the condition doesn't hold, or there is nothing to go through. */
      readonly otherwise: Block;
    }
  | {
      readonly kind: "call";
      readonly name: string;
      readonly argument: Pipeline | undefined;
      readonly offset: number;
    }
  | { readonly kind: "break" | "continue" };

export interface Pipeline {
  /** Names without their dollar signs; of `range`, one or two. */
  readonly variables: readonly string[];
  /** `=` sets a variable that is there, `:=` makes one. */
  readonly isAssignment: boolean;
  readonly commands: readonly Command[];
  readonly offset: number;
}

/** The first operand is called with the others, or stands alone. */
export interface Command {
  readonly operands: readonly Operand[];
  readonly offset: number;
}

export type Operand = { readonly offset: number; readonly fields: readonly string[] } & (
  | { readonly kind: "dot" }
  | { readonly kind: "nil" }
  | { readonly kind: "literal"; readonly value: string | number | boolean }
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "function"; readonly name: string }
  | { readonly kind: "pipeline"; readonly pipeline: Pipeline }
);

export interface ParsedTemplate {
  readonly body: Block;
  /** By the names that `define` and `block` give. */
  readonly definitions: ReadonlyMap<string, Block>;
}
