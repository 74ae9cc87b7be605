const UNKNOWN = 'address of ';

/** Stands for the unknown address of a host. */
export function unknownAddress(host: string): string {
  return `${UNKNOWN}${host}`;
}

export function isUnknownAddress(address: string): boolean {
  return address.startsWith(UNKNOWN);
}

/** The host where its address is unknown, else the address. */
export function hostOrAddress(address: string): string {
  return isUnknownAddress(address) ? address.slice(UNKNOWN.length) : address;
}
