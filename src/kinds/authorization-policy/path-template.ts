// Templates of paths: `/a/{*}/b` and `/a/{**}`. Envoy doesn't refuse one that it can't read, but ends: measured with
// 1.40.0. So nothing may pass here that it doesn't take.

/** Whether a path of a policy is a template. */
export function isPathTemplate(path: string): boolean {
  return path.includes("{*}") || path.includes("{**}");
}

/** Why a template can't be used; undefined for one that can. */
export function pathTemplateFault(template: string): string | undefined {
  const [start, ...segments] = template.split("/");
  if (start !== "" || segments.length === 0) return "a template begins with a slash";
  if (segments.at(-1) === "" && segments.length > 1) segments.pop();
  const rest = segments.indexOf("{**}");
  const operators = segments.filter(isOperator);
  if (rest >= 0 && segments.slice(rest + 1).some(isOperator)) return "no {*} or {**} may follow {**}";
  const literals = segments.filter((segment) => !isOperator(segment));
  const bad = literals.find((segment) => !LITERAL.test(segment));
  if (bad === "") return "a segment is empty";
  if (bad !== undefined)
    return `"${bad}" is neither {*}, {**}, nor text without other characters than those of paths`;
  return operators.length === 0 ? "it holds neither {*} nor {**} as a segment" : undefined;
}

// RFC 3986's characters of paths.
const LITERAL = /^[A-Za-z0-9\-._~%!$&'()+,;:@=]+$/;

function isOperator(segment: string): boolean {
  return segment === "{*}" || segment === "{**}";
}
