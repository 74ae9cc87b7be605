import { NamePlace } from '../istio/hosts';
import { World } from '../model';

/** The namespace of an object. One that names none counts as an object of `default`. */
export function namespaceOf(manifest: any): string {
  return manifest.metadata?.namespace ?? 'default';
}

/** What completes the short names in an object. */
export function placeOf(manifest: any, { mesh }: World): NamePlace {
  return { namespace: namespaceOf(manifest), clusterDomain: mesh?.clusterDomain };
}

/** The hosts that a ServiceEntry, VirtualService or DestinationRule is for, as written. */
export function namesOf({ spec }: any): string[] {
  return spec?.host ? [spec.host] : (spec?.hosts ?? []);
}
