// Whether an object's labels are chosen by a selector, by Kubernetes' rules.

export type Labels = Readonly<Record<string, string>>;

export interface LabelRequirement {
  readonly key: string;
  /** In, NotIn, Exists or DoesNotExist. */
  readonly operator: string;
  readonly values?: readonly string[];
}

export interface LabelSelector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly LabelRequirement[];
}

/** All requirements must hold; an empty selector chooses everything. */
export function matchesSelector(selector: LabelSelector, labels: Labels | undefined): boolean {
  const requirements = selector.matchExpressions ?? [];
  return (
    matchesLabels(selector.matchLabels ?? {}, labels) &&
    requirements.every((requirement) => matchesRequirement(requirement, labels ?? {}))
  );
}

/** Whether `labels` hold every pair that is wanted. */
export function matchesLabels(wanted: Labels, labels: Labels | undefined): boolean {
  return Object.entries(wanted).every(([key, value]) => labels?.[key] === value);
}

function matchesRequirement({ key, operator, values = [] }: LabelRequirement, labels: Labels) {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    default:
      return false; // Validation refuses other operators; one that got through chooses nothing.
  }
}
