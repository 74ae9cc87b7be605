import { Indexed } from './indexed';

/** Addresses that are written for a Service, and their ports. */
export interface WrittenEndpoints extends EndpointPorts {
  readonly object: Indexed;
  /** Those that are ready. */
  readonly addresses: readonly string[];
  /** Those that are not. */
  readonly unready: readonly string[];
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
  readonly subsets?: readonly (Partial<EndpointPorts> &
    Partial<Record<'addresses' | 'notReadyAddresses', readonly { readonly ip: string }[]>>)[];
}

export const ENDPOINT_KINDS: ReadonlySet<string> = new Set(['EndpointSlice', 'Endpoints']);

/** The port of written endpoints that stands for one of the Service. */
export function portNamed(ports: EndpointPorts['ports'], name: string): EndpointPorts['ports'][number] | undefined {
  return ports.find((port) => (port.name ?? '') === name || (ports.length === 1 && name === ''));
}

/** What an object says about the endpoints of a Service in its namespace. */
export function writtenEndpoints(object: Indexed, service: string): WrittenEndpoints[] {
  const { kind, name, manifest } = object;
  if (kind === 'EndpointSlice') {
    if (manifest.metadata.labels?.['kubernetes.io/service-name'] !== service) return [];
    const { addressType, endpoints, ports } = manifest as Slice;
    // istiod leaves out slices of names.
    const own = addressType === 'FQDN' ? [] : (endpoints ?? []);
    const those = (ready: boolean) =>
      own.flatMap(({ conditions, addresses }) => ((conditions?.ready !== false) === ready ? (addresses ?? []) : []));
    return [{ object, addresses: those(true), unready: those(false), ports: ports ?? [] }];
  }
  if (name !== service) return [];
  return ((manifest as Endpoints).subsets ?? []).map(({ addresses, notReadyAddresses, ports }) => ({
    object,
    addresses: (addresses ?? []).map(({ ip }) => ip),
    unready: (notReadyAddresses ?? []).map(({ ip }) => ip),
    ports: ports ?? [],
  }));
}
