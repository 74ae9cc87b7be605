import { Indexed, nameOf } from '../../manifests/indexed';

/** What must be so for an answer to hold, which the manifests do not say. */
export interface Condition {
  /** A clause that follows "if". */
  readonly holds: string;
  /** The shortest way to say that it is so. */
  readonly say: string;
}

type ObjectName = Pick<Indexed, 'kind' | 'namespace' | 'name'>;

/** All conditions of an answer in one. */
export function together(conditions: readonly Condition[]): Condition | undefined {
  const unique = (texts: readonly string[]) => [...new Set(texts)];
  if (conditions.length < 2) return conditions[0];
  return {
    holds: unique(conditions.map(({ holds }) => holds)).join(', and '),
    say: unique(conditions.map(({ say }) => say)).join('; '),
  };
}

export const SAY_MESH = 'add the ConfigMap istio, or pass --mesh FILE (mesh in a test)';

/** For a host of which nothing tells where it is. */
export const SAY_ADDRESS = 'pass --dial ADDRESS (dial in a test)';

/** For a host that is where an object says, or elsewhere. */
export function sayAddress(address = 'ADDRESS'): string {
  return `--dial ${address} (dial in a test), or ${SAY_ADDRESSES}`;
}

/** That a host has none of these addresses and ranges, which an object names. */
export function isNotAt(host: string, places: readonly string[], object: ObjectName): Condition {
  const what = places.some((place) => place.includes('/')) ? 'an address in' : 'the address';
  const where = [...places.slice(0, -2), places.slice(-2).join(' or ')].join(', ');
  return { holds: `${host} does not have ${what} ${where} of ${nameOf(object)}`, say: sayAddress() };
}

/** That a host is at an address, or has another name, as the object says that declares it. */
export function isAt(host: string, place: string, object: ObjectName): Condition {
  return { holds: `${place} is ${host}, as ${nameOf(object)} says`, say: SAY_ADDRESSES };
}

export const SAY_ADDRESSES =
  '--assume addresses=declared (declaredAddresses in a test): hosts are where manifests say, and nowhere else';

export const SAY_PROTOCOLS =
  '--assume protocols=declared (declaredProtocols in a test), if hosts speak HTTP/2 on such ports';

export const SAY_POLICY =
  'add the ConfigMap istio, or pass --mesh FILE or --assume outbound-traffic-policy=ALLOW_ANY|REGISTRY_ONLY ' +
  '(mesh.outboundTrafficPolicy in a test)';

export const SAY_GOOD_CREDENTIALS = '--assume credentials=good (goodCredentials in a test)';

export const SAY_CREDENTIALS = `${SAY_GOOD_CREDENTIALS}, or an access table (--table) that lists them`;
