// Long lists cut into short ones, so that what changes in one concerns its section and no other. Pure.

/**
 * `list` is sorted by key; no section is empty. Whether a member begins one depends on its key alone, so that a member
 * that comes or goes moves no others.
 */
export function cutIntoSections<V>(
  list: readonly V[],
  meanLength: number,
  keyOf: (member: V) => string,
): readonly (readonly V[])[] {
  const sections: V[][] = [];
  for (const member of list) {
    const section = fnv1a(keyOf(member)) % meanLength === 0 ? undefined : sections.at(-1);
    if (section === undefined) sections.push([member]);
    else section.push(member);
  }
  return sections;
}

/** Folded, since its lowest bits follow from the lowest bits of the text alone. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash ^ (hash >>> 16)) >>> 0;
}
