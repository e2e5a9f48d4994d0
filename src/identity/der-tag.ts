// The tags of DER that X.509 needs (X.690, section 8.1.2; constructed bit included).

export const derTag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** `[n]` around a constructed value: an explicit tag, or an implicit one on a SEQUENCE or SET. */
export function contextConstructed(number: number): number {
  return 0xa0 | number;
}

/** `[n]` instead of a primitive value's own tag. */
export function contextPrimitive(number: number): number {
  return 0x80 | number;
}
