// Kubernetes' $(NAME) in command, args and env values. Pure.

/** Replaces `$(NAME)` by its value and `$$` by `$`; a name that isn't known stays as it is written. */
export function expandVariables(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([^()]*)\)/g, (found, name: string | undefined) => {
    if (name === undefined) return "$";
    return Object.hasOwn(variables, name) ? (variables[name] ?? found) : found;
  });
}
