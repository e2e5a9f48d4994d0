// Finds control flow that is nested too deep. `else if` goes on at its `if`'s depth, and a function begins anew.

import type { Node } from "typescript/unstable/ast";
import { SyntaxKind } from "typescript/unstable/ast";
import { isFunctionLikeDeclaration, isIfStatement } from "typescript/unstable/ast/is";

const nestingKinds: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.IfStatement,
  SyntaxKind.ForStatement,
  SyntaxKind.ForInStatement,
  SyntaxKind.ForOfStatement,
  SyntaxKind.WhileStatement,
  SyntaxKind.DoStatement,
  SyntaxKind.SwitchStatement,
  SyntaxKind.TryStatement,
]);

/** The first statement of each branch that stands deeper than `maxDepth`. */
export function findDeepNesting(tree: Node, maxDepth: number): Node[] {
  const found: Node[] = [];
  const visit = (node: Node, outerDepth: number): void => {
    const isElseIf = isIfStatement(node) && isIfStatement(node.parent) && node.parent.elseStatement === node;
    const isNested = nestingKinds.has(node.kind) && !isElseIf;
    const depth = isFunctionLikeDeclaration(node) ? 0 : outerDepth + (isNested ? 1 : 0);
    if (depth > maxDepth && isNested) found.push(node);
    else node.forEachChild((child) => visit(child, depth));
  };
  visit(tree, 0);
  return found;
}
