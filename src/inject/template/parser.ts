// From the words of a template to its syntax tree, in Go's grammar. What is written wrong is told with its place.

import type { Token } from "./lexer.ts";
import { lexTemplate } from "./lexer.ts";
import type { Block, Command, Operand, ParsedTemplate, Pipeline, TemplateNode } from "./syntax.ts";
import { TemplateFault } from "./template-fault.ts";

const MAX_DEPTH = 64;

/** Throws a TemplateFault. */
export function parseTemplateText(text: string): ParsedTemplate {
  const parser = new Parser(lexTemplate(text), text.length);
  const { body, end } = parser.block([]);
  if (end !== undefined)
    throw new TemplateFault(`found "${end}" without anything that it ends`, parser.offset);
  return { body, definitions: parser.definitions };
}

interface ParsedBlock {
  readonly body: Block;
  /** The word that ended it; undefined at the end of the text. */
  readonly end: "end" | "else" | undefined;
}

type Word = Extract<Token, { readonly kind: "word" }>;

/** Owns the position in the words. */
class Parser {
  readonly definitions = new Map<string, Block>();
  readonly #tokens: readonly Token[];
  readonly #length: number;
  #position = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], length: number) {
    this.#tokens = tokens;
    this.#length = length;
  }

  get offset(): number {
    return this.#tokens[this.#position]?.offset ?? this.#length;
  }

  /** `open`: the words around it, by which `break` is known to be in a loop. */
  block(open: readonly string[]): ParsedBlock {
    this.#deeper();
    const body: TemplateNode[] = [];
    for (let token = this.#take(); token !== undefined; token = this.#take()) {
      if (token.kind === "text") {
        body.push({ kind: "text", text: token.text });
        continue;
      }
      this.#position--;
      this.#blanks();
      const word = this.#peek();
      if (word?.kind === "word" && (word.text === "end" || word.text === "else")) {
        this.#position++;
        this.#depth--;
        return { body, end: word.text };
      }
      body.push(...this.#action(word, open));
    }
    this.#depth--;
    return { body, end: undefined };
  }

  #action(word: Token | undefined, open: readonly string[]): TemplateNode[] {
    const name = word?.kind === "word" ? word.text : undefined;
    if (word?.kind !== "word" || name === undefined) return [this.#print()];
    switch (name) {
      case "if":
      case "with":
      case "range":
        this.#position++;
        return [this.#control(name, word, open)];
      case "define":
        this.#position++;
        this.#define(word, open);
        return [];
      case "block":
        this.#position++;
        return [this.#blockCall(word, open)];
      case "template":
        this.#position++;
        return [this.#call(word)];
      case "break":
      case "continue":
        this.#position++;
        if (!open.includes("range"))
          throw new TemplateFault(`"${name}" stands outside of a range`, word.offset);
        this.#close(name);
        return [{ kind: name }];
      default:
        return [this.#print()];
    }
  }

  #print(): TemplateNode {
    const pipeline = this.#pipeline();
    this.#close("this action");
    return { kind: "print", pipeline };
  }

  #control(kind: "if" | "with" | "range", word: Word, open: readonly string[]): TemplateNode {
    const pipeline = this.#pipeline();
    if (pipeline.variables.length > 1 && kind !== "range")
      throw new TemplateFault(`"${kind}" declares one variable at most`, word.offset);
    this.#close(kind);
    const inner = [...open, kind];
    const { body, end } = this.block(inner);
    if (end === undefined) throw new TemplateFault(`this "${kind}" has no "end"`, word.offset);
    const otherwise = end === "else" ? this.#otherwise(word, inner) : [];
    if (end === "end") this.#close("end");
    return { kind, pipeline, body, otherwise };
  }

  /** After `else`: its block to `end`, or another `if` or `with` that shares it. */
  #otherwise(word: Word, open: readonly string[]): Block {
    this.#blanks();
    const next = this.#peek();
    if (next?.kind === "word" && (next.text === "if" || next.text === "with")) {
      this.#position++;
      this.#deeper();
      const chained = this.#control(next.text, next, open.slice(0, -1));
      this.#depth--;
      return [chained];
    }
    this.#close("else");
    const { body, end } = this.block(open);
    if (end !== "end") throw new TemplateFault(`this "${word.text}" has no "end"`, word.offset);
    this.#close("end");
    return body;
  }

  #define(word: Word, open: readonly string[]): void {
    if (open.length > 0) throw new TemplateFault('"define" stands inside of another action', word.offset);
    const name = this.#name(word);
    this.#close("define");
    this.definitions.set(name, this.#toEnd(word));
  }

  #blockCall(word: Word, open: readonly string[]): TemplateNode {
    if (open.length > 0) throw new TemplateFault('"block" stands inside of another action', word.offset);
    const name = this.#name(word);
    const argument = this.#pipeline();
    this.#close("block");
    this.definitions.set(name, this.#toEnd(word));
    return { kind: "call", name, argument, offset: word.offset };
  }

  #call(word: Word): TemplateNode {
    const name = this.#name(word);
    this.#blanks();
    const argument = this.#peek()?.kind === "close" ? undefined : this.#pipeline();
    this.#close("template");
    return { kind: "call", name, argument, offset: word.offset };
  }

  #toEnd(word: Word): Block {
    const { body, end } = this.block([word.text]);
    if (end !== "end") throw new TemplateFault(`this "${word.text}" has no "end"`, word.offset);
    this.#close("end");
    return body;
  }

  #name(word: Word): string {
    this.#blanks();
    const token = this.#take();
    if (token?.kind === "literal" && typeof token.value === "string") return token.value;
    throw new TemplateFault(`"${word.text}" wants a name in quotes`, token?.offset ?? this.#length);
  }

  #pipeline(): Pipeline {
    this.#deeper();
    this.#blanks();
    const offset = this.offset;
    const { variables, isAssignment } = this.#declaration();
    const commands = [this.#command()];
    while (this.#takeSign("|")) commands.push(this.#command());
    this.#depth--;
    return { variables, isAssignment, commands, offset };
  }

  /** `$a :=`, `$a, $b :=` or `$a =`; nothing is taken where it is none of them. */
  #declaration(): Pick<Pipeline, "variables" | "isAssignment"> {
    const start = this.#position;
    const variables: string[] = [];
    do {
      this.#blanks();
      const token = this.#take();
      if (token?.kind !== "variable" || token.text === "") break;
      variables.push(token.text);
      if (this.#takeSign(":=")) return { variables, isAssignment: false };
      if (this.#takeSign("=")) return { variables, isAssignment: true };
    } while (variables.length < 2 && this.#takeSign(","));
    this.#position = start;
    return { variables: [], isAssignment: false };
  }

  #command(): Command {
    this.#blanks();
    const offset = this.offset;
    const operands: Operand[] = [];
    for (let operand = this.#operand(); operand !== undefined; operand = this.#operand()) {
      operands.push(operand);
      if (this.#peek()?.kind !== "blank") break;
      this.#blanks();
    }
    if (operands.length === 0) throw new TemplateFault("found nothing to evaluate", offset);
    return { operands, offset };
  }

  #operand(): Operand | undefined {
    const token = this.#peek();
    if (token === undefined) return undefined;
    const start = this.#start(token);
    if (start === undefined) return undefined;
    const fields = [...start.fields];
    for (let next = this.#peek(); next?.kind === "field" && next.text !== ""; next = this.#peek()) {
      fields.push(next.text);
      this.#position++;
    }
    return { ...start, fields };
  }

  #start(token: Token): Operand | undefined {
    const { offset } = token;
    switch (token.kind) {
      case "field":
        this.#position++;
        return { kind: "dot", fields: token.text === "" ? [] : [token.text], offset };
      case "variable":
        this.#position++;
        return { kind: "variable", name: token.text, fields: [], offset };
      case "literal":
        this.#position++;
        return { kind: "literal", value: token.value, fields: [], offset };
      case "word":
        this.#position++;
        return wordOperand(token);
      case "sign":
        return token.text === "(" ? this.#parenthesized(offset) : undefined;
      default:
        return undefined;
    }
  }

  #parenthesized(offset: number): Operand {
    this.#position++;
    const pipeline = this.#pipeline();
    if (!this.#takeSign(")")) throw new TemplateFault('this "(" has no ")"', offset);
    return { kind: "pipeline", pipeline, fields: [], offset };
  }

  #close(what: string): void {
    this.#blanks();
    const token = this.#take();
    if (token?.kind === "close") return;
    const offset = token?.offset ?? this.#length;
    throw new TemplateFault(`found ${describeToken(token)} after ${what}, wanted "}}"`, offset);
  }

  #takeSign(text: string): boolean {
    this.#blanks();
    const token = this.#peek();
    if (token?.kind !== "sign" || token.text !== text) return false;
    this.#position++;
    return true;
  }

  #blanks(): void {
    while (this.#peek()?.kind === "blank") this.#position++;
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#position];
  }

  #take(): Token | undefined {
    return this.#tokens[this.#position++];
  }

  #deeper(): void {
    if (++this.#depth > MAX_DEPTH) throw new TemplateFault("the template is nested too deeply", this.offset);
  }
}

function wordOperand({ text, offset }: Word): Operand {
  if (text === "nil") return { kind: "nil", fields: [], offset };
  if (text === "true" || text === "false")
    return { kind: "literal", value: text === "true", fields: [], offset };
  return { kind: "function", name: text, fields: [], offset };
}

function describeToken(token: Token | undefined): string {
  if (token === undefined) return "the end of the text";
  switch (token.kind) {
    case "literal":
      return JSON.stringify(token.value);
    case "field":
      return `".${token.text}"`;
    case "variable":
      return `"$${token.text}"`;
    case "word":
    case "sign":
      return `"${token.text}"`;
    default:
      return "text";
  }
}
