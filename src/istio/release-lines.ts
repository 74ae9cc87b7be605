/** The oldest and the newest minor release of Istio 1 of which the model knows what it admits. */
export const KNOWN_MINORS = { oldest: 30, newest: 31 } as const;

/** The minor release of `1.30` or `1.30.3`; undefined if it is neither. */
export function minorOf(version: string): number | undefined {
  const [, minor] = /^v?1\.(\d{1,3})(\.\d+)?$/.exec(version) ?? [];
  return minor === undefined ? undefined : Number(minor);
}

/** Whether it is this minor release of Istio 1 or a later one; as long as nobody says which it is, it is. */
export function isAtLeast(minor: number, version: string | undefined): boolean {
  return version === undefined || (minorOf(version) ?? minor) >= minor;
}
