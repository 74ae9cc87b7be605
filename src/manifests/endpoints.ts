import { Indexed } from './indexed';

/** Addresses that are written for a Service, and their ports. */
export interface WrittenEndpoints {
  readonly object: Indexed;
  readonly addresses: readonly string[];
  readonly ports: readonly { readonly name?: string; readonly port?: number }[];
}

export const ENDPOINT_KINDS: ReadonlySet<string> = new Set(['EndpointSlice', 'Endpoints']);

/** What an object says about the endpoints of a Service in its namespace. */
export function writtenEndpoints(object: Indexed, service: string): WrittenEndpoints[] {
  const { kind, name, manifest } = object;
  if (kind === 'EndpointSlice') {
    if (manifest.metadata.labels?.['kubernetes.io/service-name'] !== service) return [];
    const ready = ((manifest.endpoints ?? []) as any[]).filter(({ conditions }) => conditions?.ready !== false);
    return [{ object, addresses: ready.flatMap(({ addresses }) => addresses ?? []), ports: manifest.ports ?? [] }];
  }
  if (name !== service) return [];
  return ((manifest.subsets ?? []) as any[]).map(({ addresses, ports }) => ({
    object,
    addresses: ((addresses ?? []) as any[]).map(({ ip }) => ip),
    ports: ports ?? [],
  }));
}
