/** Where an object lives; without a namespace it goes to that of whoever applies it. */
export function namespaceOf(manifest: any): string {
  return manifest.metadata?.namespace ?? 'default';
}

/** The hosts that a ServiceEntry, VirtualService or DestinationRule is for, as written. */
export function namesOf({ spec }: any): string[] {
  return spec?.host ? [spec.host] : (spec?.hosts ?? []);
}
