// Finds promises that nobody waits for: statements whose value is a promise, and asynchronous callbacks whose
// caller expects nothing back. Allowed: `void promise`, a `.catch(…)` or a `.then(…, …)` at its end.

import type { Expression, Node } from "typescript/unstable/ast";
import { SyntaxKind } from "typescript/unstable/ast";
import {
  isBinaryExpression,
  isCallExpression,
  isExpressionStatement,
  isFunctionLikeDeclaration,
  isIdentifier,
  isPropertyAccessExpression,
} from "typescript/unstable/ast/is";
import type { ProgramFile, TypeScriptProgram } from "./typescript-program.ts";
import { isAsync, visitAll } from "./typescript-program.ts";

// node:test takes care of what these return.
const testFunctions: ReadonlySet<string> = new Set(["test", "it", "describe", "suite"]);

/** The expressions and callbacks at fault. */
export function findFloatingPromises(program: TypeScriptProgram, { tree }: ProgramFile): Node[] {
  const statements: Expression[] = [];
  const callbacks: Node[] = [];
  visitAll(tree, (node) => {
    if (isExpressionStatement(node) && !isHandled(node.expression)) statements.push(node.expression);
    if (isFunctionLikeDeclaration(node) && isAsync(node) && isCallExpression(node.parent)) {
      if (program.isCalledForNothing(node)) callbacks.push(node);
    }
  });
  return [...program.promisesAmong(statements), ...callbacks];
}

function isHandled(expression: Expression): boolean {
  if (isBinaryExpression(expression)) return isAssignment(expression.operatorToken.kind);
  if (!isCallExpression(expression)) return false;
  const callee = expression.expression;
  if (isIdentifier(callee)) return testFunctions.has(callee.text);
  if (!isPropertyAccessExpression(callee)) return false;
  const { expression: object, name } = callee;
  if (isIdentifier(object) && testFunctions.has(object.text)) return true;
  return (
    (name.text === "catch" && expression.arguments.length === 1) ||
    (name.text === "then" && expression.arguments.length === 2)
  );
}

function isAssignment(operator: SyntaxKind): boolean {
  return operator >= SyntaxKind.FirstAssignment && operator <= SyntaxKind.LastAssignment;
}
