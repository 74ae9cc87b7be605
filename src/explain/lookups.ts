import { EgressModel, World } from '../model';
import { ManifestIndex } from '../manifests/manifest-index';
import { originatesOn } from '../manifests/tls';
import { valueIn } from '../values/grouping';

/** Where the world says that a host is. */
export function addressOf(host: string, { external }: World): string | undefined {
  return external?.find((one) => one.host === host)?.address;
}

const indexes = new WeakMap<EgressModel, ManifestIndex>();

/** All objects of a model, by kind. */
export function indexOf(model: EgressModel): ManifestIndex {
  return valueIn(indexes, model, ({ objects, world: { mesh } }) => {
    return new ManifestIndex(objects, { rootNamespace: mesh?.rootNamespace, clusterDomain: mesh?.clusterDomain });
  });
}

/** The hosts that a ServiceEntry, VirtualService or DestinationRule is for, as written. */
export function namesOf({ spec }: { readonly spec?: unknown }): readonly string[] {
  const { host, hosts } = (spec ?? {}) as { readonly host?: string; readonly hosts?: readonly string[] };
  return host ? [host] : (hosts ?? []);
}

/** Whether what is sent to a port of a host is meant to be TLS: a rule originates it there, or the port is that of HTTPS. */
export function isTlsMeant(index: ManifestIndex, host: string, port: number): boolean {
  return port === 443 || index.rulesFor(host).some((rule) => originatesOn(rule, port));
}
