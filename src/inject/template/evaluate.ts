// Renders a parsed template. A template comes from whoever may write the mesh's configuration, and its data from whoever
// may make a pod: time and output are bounded, and nothing is reached but the data and the functions given.

import { describe, fieldOf, formatValue, isMap, isTrue } from "./go-value.ts";
import { parseTemplateText } from "./parser.ts";
import { RenderBudget } from "./render-budget.ts";
import type { Block, Command, Operand, ParsedTemplate, Pipeline, TemplateNode } from "./syntax.ts";
import { TemplateFault } from "./template-fault.ts";
import type { TemplateFunction, TemplateFunctions } from "./template-function.ts";

export interface RenderOptions {
  readonly functions: TemplateFunctions;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const MAX_CALL_DEPTH = 16;

/** Throws a TemplateFault. */
export function evaluateTemplate(template: ParsedTemplate, root: unknown, options: RenderOptions): string {
  const budget = new RenderBudget();
  return new Rendering(template, options, { budget, root, depth: 0 }).render(template.body, root);
}

interface EvaluationContext {
  /** Shared by a rendering and those that it calls. */
  readonly budget: RenderBudget;
  /** What `$` is where a template is called by `render`. */
  readonly root: unknown;
  readonly depth: number;
}

/** Thrown to leave the body of a loop. */
class LoopExit {
  readonly kind: "break" | "continue";

  constructor(kind: "break" | "continue") {
    this.kind = kind;
  }
}

type ControlNode = Extract<TemplateNode, { readonly body: Block }>;

type Scope = Map<string, unknown>[];

/** Owns output and variables of one template's rendering. */
class Rendering {
  readonly #template: ParsedTemplate;
  readonly #options: RenderOptions;
  readonly #context: EvaluationContext;
  readonly #parts: string[] = [];
  #scope: Scope = [];

  constructor(template: ParsedTemplate, options: RenderOptions, context: EvaluationContext) {
    this.#template = template;
    this.#options = options;
    this.#context = context;
    if (context.depth > MAX_CALL_DEPTH) throw new TemplateFault("templates call each other too deeply");
  }

  render(body: Block, dot: unknown): string {
    this.#scope = [new Map([["", dot]])];
    this.#block(body, dot);
    return this.#parts.join("");
  }

  #block(body: Block, dot: unknown): void {
    this.#scope.push(new Map());
    try {
      for (const node of body) this.#node(node, dot);
    } finally {
      this.#scope.pop();
    }
  }

  #node(node: TemplateNode, dot: unknown): void {
    this.#budget.spendNodes(1);
    switch (node.kind) {
      case "text":
        this.#write(node.text);
        break;
      case "print":
        this.#print(node.pipeline, dot);
        break;
      case "break":
      case "continue":
        throw new LoopExit(node.kind);
      case "call":
        this.#call(node, dot);
        break;
      case "range":
        this.#scoped(() => this.#range(node, dot));
        break;
      default:
        this.#scoped(() => this.#choose(node, dot));
    }
  }

  #print(pipeline: Pipeline, dot: unknown): void {
    const value = this.#pipeline(pipeline, dot);
    if (pipeline.variables.length > 0) return;
    located(pipeline.offset, () => this.#budget.spendWhole(value));
    this.#write(formatValue(value));
  }

  #choose(node: ControlNode, dot: unknown): void {
    const value = this.#pipeline(node.pipeline, dot);
    if (isTrue(value)) this.#block(node.body, node.kind === "with" ? value : dot);
    else this.#block(node.otherwise, dot);
  }

  #range(node: ControlNode, dot: unknown): void {
    const { variables, ...pipeline } = node.pipeline;
    const value = this.#pipeline({ ...pipeline, variables: [] }, dot);
    const items = located(pipeline.offset, () => itemsOf(value, this.#budget));
    if (items.length === 0) this.#block(node.otherwise, dot);
    for (const [key, item] of items) {
      this.#step(pipeline.offset);
      const isLast = this.#scoped(() => {
        this.#declareItem(variables, key, item);
        return this.#loopBody(node.body, item);
      });
      if (isLast) return;
    }
  }

  /** One variable is the item, two are key and item. */
  #declareItem([first, second]: readonly string[], key: unknown, item: unknown): void {
    if (first !== undefined) this.#declare(first, second === undefined ? item : key);
    if (second !== undefined) this.#declare(second, item);
  }

  /** Whether the loop ends here. */
  #loopBody(body: Block, item: unknown): boolean {
    try {
      this.#block(body, item);
      return false;
    } catch (exit) {
      if (!(exit instanceof LoopExit)) throw exit;
      return exit.kind === "break";
    }
  }

  #call({ name, argument, offset }: Extract<TemplateNode, { readonly kind: "call" }>, dot: unknown): void {
    const body = this.#template.definitions.get(name);
    if (body === undefined) throw new TemplateFault(`there is no template "${name}"`, offset);
    const value = argument === undefined ? undefined : this.#pipeline(argument, dot);
    this.#parts.push(this.#inner(this.#template).render(body, value));
  }

  #inner(template: ParsedTemplate): Rendering {
    const { budget, depth, root } = this.#context;
    return new Rendering(template, this.#options, { budget, root, depth: depth + 1 });
  }

  #pipeline({ commands, isAssignment, offset, variables }: Pipeline, dot: unknown): unknown {
    let value: unknown;
    for (const [index, command] of commands.entries()) {
      this.#step(command.offset);
      value = this.#command(command, dot, index === 0 ? [] : [value]);
    }
    for (const name of variables) {
      if (isAssignment) this.#assign(name, value, offset);
      else this.#declare(name, value);
    }
    return value;
  }

  /** `piped`: what stands before a `|` is the last argument of what follows. */
  #command({ operands, offset }: Command, dot: unknown, piped: readonly unknown[]): unknown {
    const [first, ...rest] = operands;
    if (first?.kind === "function") return this.#function(first, { rest, dot, piped });
    if (first === undefined || rest.length + piped.length > 0)
      throw new TemplateFault("only a function takes arguments", rest[0]?.offset ?? offset);
    return this.#operand(first, dot);
  }

  #function(
    { fields, name, offset }: Extract<Operand, { readonly kind: "function" }>,
    { rest, dot, piped }: Arguments,
  ): unknown {
    if (name === "and" || name === "or") return this.#junction(name, rest, { dot, piped, offset });
    const known = Object.hasOwn(this.#options.functions, name) ? this.#options.functions[name] : undefined;
    if (known === undefined) throw new TemplateFault(`there is no function "${name}"`, offset);
    const args = [...rest.map((operand) => this.#operand(operand, dot)), ...piped];
    return located(offset, () => this.#follow(this.#apply(known, name, args), fields));
  }

  #apply(known: TemplateFunction, name: string, args: readonly unknown[]): unknown {
    const { least, most, reads, weight } = known;
    if (args.length < least || args.length > most) {
      const wanted = least === most ? `${least}` : `${least} or more`;
      throw new TemplateFault(`"${name}" takes ${wanted} arguments, found ${args.length}`);
    }
    const budget = this.#budget;
    budget.spendNodes(args.length);
    for (const arg of args) reads === "whole" ? budget.spendWhole(arg, weight) : budget.spendSurface(arg);
    const value = known.call(args, {
      budget,
      environment: this.#options.environment,
      render: (text) => {
        const template = parseTemplateText(text);
        return this.#inner(template).render(template.body, this.#context.root);
      },
    });
    if (typeof value === "string") budget.spendText(value.length);
    else budget.spendSurface(value);
    return value;
  }

  #follow(value: unknown, fields: readonly string[]): unknown {
    return fields.reduce((holder, name) => {
      const found = fieldOf(holder, name);
      // Lists and maps of a known form are made when they are read.
      this.#budget.spendSurface(found);
      return found;
    }, value);
  }

  /** Evaluates no further than it must. */
  #junction(
    name: "and" | "or",
    rest: readonly Operand[],
    {
      dot,
      piped,
      offset,
    }: { readonly dot: unknown; readonly piped: readonly unknown[]; readonly offset: number },
  ): unknown {
    if (rest.length + piped.length === 0) throw new TemplateFault(`"${name}" takes arguments`, offset);
    let value: unknown;
    for (const operand of rest) {
      value = this.#operand(operand, dot);
      if (isTrue(value) === (name === "or")) return value;
    }
    return piped.length > 0 ? piped[0] : value;
  }

  #operand(operand: Operand, dot: unknown): unknown {
    this.#step(operand.offset);
    if (operand.kind === "function") return this.#function(operand, { rest: [], dot, piped: [] });
    const start = this.#startOf(operand, dot);
    return located(operand.offset, () => this.#follow(start, operand.fields));
  }

  #startOf(operand: Exclude<Operand, { readonly kind: "function" }>, dot: unknown): unknown {
    switch (operand.kind) {
      case "dot":
        return dot;
      case "nil":
        return undefined;
      case "literal":
        return operand.value;
      case "variable":
        return this.#variable(operand.name, operand.offset);
      case "pipeline":
        return this.#pipeline(operand.pipeline, dot);
    }
  }

  #variable(name: string, offset: number): unknown {
    const holder = this.#scope.findLast((names) => names.has(name));
    if (holder === undefined) throw new TemplateFault(`there is no variable "$${name}"`, offset);
    return holder.get(name);
  }

  #assign(name: string, value: unknown, offset: number): void {
    this.#variable(name, offset);
    this.#scope.findLast((names) => names.has(name))?.set(name, value);
  }

  #declare(name: string, value: unknown): void {
    this.#scope.at(-1)?.set(name, value);
  }

  #scoped<T>(run: () => T): T {
    this.#scope.push(new Map());
    try {
      return run();
    } finally {
      this.#scope.pop();
    }
  }

  #write(text: string): void {
    this.#budget.spendOutput(text.length);
    this.#parts.push(text);
  }

  #step(offset: number): void {
    this.#budget.step(offset);
  }

  get #budget(): RenderBudget {
    return this.#context.budget;
  }
}

interface Arguments {
  readonly rest: readonly Operand[];
  readonly dot: unknown;
  readonly piped: readonly unknown[];
}

/** Faults of values and functions don't know where they stand. */
function located<T>(offset: number, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof TemplateFault && error.offset === undefined)
      throw new TemplateFault(error.message, offset);
    throw error;
  }
}

const MAX_COUNTED = 10_000;

/** Keys and what they name; of maps in the order of the keys. */
function itemsOf(value: unknown, budget: RenderBudget): readonly (readonly [unknown, unknown])[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) {
    budget.spendNodes(value.length);
    return [...value.entries()];
  }
  if (isMap(value)) {
    const keys = Object.keys(value).sort();
    budget.spendNodes(keys.length);
    return keys.map((key) => [key, value[key]]);
  }
  if (typeof value === "number" && Number.isInteger(value) && value <= MAX_COUNTED) {
    budget.spendNodes(Math.max(value, 0));
    return Array.from({ length: Math.max(value, 0) }, (_, index) => [index, index]);
  }
  throw new TemplateFault(`cannot range over ${describe(value)}`);
}
