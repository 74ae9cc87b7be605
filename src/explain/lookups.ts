import { EgressModel, World } from '../model';
import { ManifestIndex } from '../manifests/manifest-index';

/** Where the world says that a host is. */
export function addressOf(host: string, { external }: World): string | undefined {
  return external?.find((one) => one.host === host)?.address;
}

/** All objects of a model, by kind. */
export function indexOf({ objects, world: { mesh } }: EgressModel): ManifestIndex {
  return new ManifestIndex(objects, { rootNamespace: mesh?.rootNamespace, clusterDomain: mesh?.clusterDomain });
}

/** The hosts that a ServiceEntry, VirtualService or DestinationRule is for, as written. */
export function namesOf({ spec }: { readonly spec?: unknown }): readonly string[] {
  const { host, hosts } = (spec ?? {}) as { readonly host?: string; readonly hosts?: readonly string[] };
  return host ? [host] : (hosts ?? []);
}
