import { Indexed } from './indexed';

/** Addresses that are written for a Service, and their ports. */
export interface WrittenEndpoints extends EndpointPorts {
  readonly object: Indexed;
  readonly addresses: readonly string[];
}

interface EndpointPorts {
  readonly ports: readonly { readonly name?: string; readonly port?: number }[];
}

/** What is read of an EndpointSlice, and of the older Endpoints. */
interface Slice extends Partial<EndpointPorts> {
  readonly addressType?: string;
  readonly endpoints?: readonly {
    readonly addresses?: readonly string[];
    readonly conditions?: { readonly ready?: boolean };
  }[];
}
interface Endpoints {
  readonly subsets?: readonly (Partial<EndpointPorts> & { readonly addresses?: readonly { readonly ip: string }[] })[];
}

export const ENDPOINT_KINDS: ReadonlySet<string> = new Set(['EndpointSlice', 'Endpoints']);

/** What an object says about the endpoints of a Service in its namespace. */
export function writtenEndpoints(object: Indexed, service: string): WrittenEndpoints[] {
  const { kind, name, manifest } = object;
  if (kind === 'EndpointSlice') {
    if (manifest.metadata.labels?.['kubernetes.io/service-name'] !== service) return [];
    const { addressType, endpoints, ports } = manifest as Slice;
    // istiod leaves out slices of names.
    const ready =
      addressType === 'FQDN' ? [] : (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false);
    return [{ object, addresses: ready.flatMap(({ addresses }) => addresses ?? []), ports: ports ?? [] }];
  }
  if (name !== service) return [];
  return ((manifest as Endpoints).subsets ?? []).map(({ addresses, ports }) => ({
    object,
    addresses: (addresses ?? []).map(({ ip }) => ip),
    ports: ports ?? [],
  }));
}
