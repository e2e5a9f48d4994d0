// The project as TypeScript sees it: syntax trees and types. The one file that knows TypeScript 7's
// programming interface, which is called unstable; the compiler's version is pinned.

import { relative } from "node:path";
import type { Expression, FunctionLikeDeclaration, Node, SourceFile } from "typescript/unstable/ast";
import { SyntaxKind } from "typescript/unstable/ast";
import type { Checker, Project, Type } from "typescript/unstable/sync";
import { API, SignatureKind, TypeFlags } from "typescript/unstable/sync";

export type { Expression, FunctionLikeDeclaration, Node, SourceFile };

export interface ProgramFile {
  /** Relative to the root. */
  readonly path: string;
  readonly tree: SourceFile;
}

/** Owns the compiler's process. */
export class TypeScriptProgram {
  readonly #api: API;
  readonly #project: Project;
  readonly #root: string;

  /** `root` holds the tsconfig.json. */
  constructor(root: string) {
    this.#root = root;
    this.#api = new API({ cwd: root });
    const snapshot = this.#api.updateSnapshot({ openProjects: [`${root}/tsconfig.json`] });
    const [project] = snapshot.getProjects();
    if (project === undefined) throw new Error(`Cannot open ${root}/tsconfig.json`);
    this.#project = project;
  }

  close(): void {
    this.#api.close();
  }

  /** The project's own files; what it imports from elsewhere isn't among them. */
  files(accept: (path: string) => boolean): ProgramFile[] {
    return this.#project.rootFiles.flatMap((name) => {
      const path = relative(this.#root, name);
      const tree = accept(path) ? this.#project.program.getSourceFile(name) : undefined;
      return tree === undefined ? [] : [{ path, tree }];
    });
  }

  /** Which of the expressions can be something with a method `then`. */
  promisesAmong(expressions: readonly Expression[]): Expression[] {
    if (expressions.length === 0) return [];
    const { checker } = this.#project;
    const types = checker.getTypeAtLocation(expressions);
    return expressions.filter((_expression, index) => isPromise(checker, types[index]));
  }

  /** Whether the function's caller expects nothing back, so that a promise would go unheeded. */
  isCalledForNothing(callback: FunctionLikeDeclaration): boolean {
    const { checker } = this.#project;
    const wanted = checker.getContextualType(callback as unknown as Expression);
    if (wanted === undefined) return false;
    const results = checker
      .getSignaturesOfType(wanted, SignatureKind.Call)
      .map((signature) => checker.getReturnTypeOfSignature(signature));
    return (
      results.length > 0 && results.every((type) => type !== undefined && (type.flags & TypeFlags.Void) !== 0)
    );
  }
}

function isPromise(checker: Checker, type: Type | undefined): boolean {
  if (type === undefined) return false;
  if (type.isUnionType()) return type.getTypes().some((member) => isPromise(checker, member));
  return checker.getPropertyOfType(type, "then") !== undefined;
}

/** Calls `visit` for a node and all below it, parents first. */
export function visitAll(node: Node, visit: (node: Node) => void): void {
  visit(node);
  node.forEachChild((child) => visitAll(child, visit));
}

export function isAsync(node: FunctionLikeDeclaration): boolean {
  return node.modifiers?.some((modifier) => modifier.kind === SyntaxKind.AsyncKeyword) ?? false;
}
