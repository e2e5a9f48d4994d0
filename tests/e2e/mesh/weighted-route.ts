// A VirtualService of the echo's versions by weight, whose answers say which edit of the file made them.

/** `edit` comes back as response header x-edit. */
export function weightedRoute(
  weights: Readonly<Record<string, number>>,
  { edit }: { readonly edit: string },
): string {
  const destinations = Object.entries(weights).map(
    ([subset, weight]) => `      - {destination: {host: echo, subset: ${subset}}, weight: ${weight}}`,
  );
  return `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: echo, namespace: test}
spec:
  hosts: [echo]
  http:
    - headers: {response: {set: {x-edit: "${edit}"}}}
      route:
${destinations.join("\n")}
`;
}
