// The path of a field in an object, such as `spec.http[0].match[1].headers["x-user"]`.

const plainName = /^[A-Za-z_$][A-Za-z0-9_$-]*$/;
const step = /\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|\.?([^.[\]"]+)/gy;

/** Appends a field's name or a list's index; names that would be misread are quoted. */
export function childPath(parent: string, child: string | number): string {
  if (typeof child === "number") return `${parent}[${child}]`;
  if (!plainName.test(child)) return `${parent}[${JSON.stringify(child)}]`;
  return parent === "" ? child : `${parent}.${child}`;
}

/** The path of what holds the field; empty for a field of the object itself. */
export function parentPath(path: string): string {
  return pathSteps(path).slice(0, -1).reduce<string>(childPath, "");
}

/** The steps of a path from the outside in; what can't be read ends it. */
export function pathSteps(path: string): (string | number)[] {
  const steps: (string | number)[] = [];
  for (const [, index, quoted, name] of path.matchAll(step)) {
    if (index !== undefined) steps.push(Number(index));
    else if (quoted !== undefined) steps.push(JSON.parse(`"${quoted}"`) as string);
    else if (name !== undefined) steps.push(name);
  }
  return steps;
}
