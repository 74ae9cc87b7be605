/** The namespace of an object. One that names none counts as an object of `default`. */
export function namespaceOf(manifest: any): string {
  return manifest.metadata?.namespace ?? 'default';
}

/** The hosts that a ServiceEntry, VirtualService or DestinationRule is for, as written. */
export function namesOf({ spec }: any): string[] {
  return spec?.host ? [spec.host] : (spec?.hosts ?? []);
}
