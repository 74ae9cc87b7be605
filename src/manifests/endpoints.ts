import { Indexed } from './indexed';

/** Addresses that are written for a Service, and their ports. */
export interface WrittenEndpoints extends EndpointPorts {
  readonly object: Indexed;
  /** Those that are ready. */
  readonly addresses: readonly string[];
  /** Those that are not. */
  readonly unready: readonly string[];
  /** Whether it lists pods as well, whose addresses are not among these. */
  readonly listsPods: boolean;
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
    readonly targetRef?: { readonly kind?: string };
  }[];
}
interface Endpoints {
  readonly subsets?: readonly (Partial<EndpointPorts> &
    Partial<
      Record<
        'addresses' | 'notReadyAddresses',
        readonly { readonly ip: string; readonly targetRef?: { readonly kind?: string } }[]
      >
    >)[];
}

export const ENDPOINT_KINDS: ReadonlySet<string> = new Set(['EndpointSlice', 'Endpoints']);

/** The port of written endpoints that stands for one of the Service. */
export function portNamed(ports: EndpointPorts['ports'], name: string): EndpointPorts['ports'][number] | undefined {
  return ports.find((port) => (port.name ?? '') === name);
}

/** What an object says about the endpoints of a Service in its namespace. */
export function writtenEndpoints(object: Indexed, service: string): WrittenEndpoints[] {
  const { kind, name, manifest } = object;
  if (kind === 'EndpointSlice') {
    if (manifest.metadata.labels?.['kubernetes.io/service-name'] !== service) return [];
    const { addressType, endpoints, ports } = manifest as Slice;
    // istiod leaves out slices of names.
    const all = addressType === 'FQDN' ? [] : (endpoints ?? []);
    const own = all.filter((one) => !isPod(one));
    const those = (ready: boolean) =>
      own.flatMap(({ conditions, addresses }) => ((conditions?.ready !== false) === ready ? (addresses ?? []) : []));
    return [
      {
        object,
        addresses: those(true),
        unready: those(false),
        listsPods: own.length < all.length,
        ports: ports ?? [],
      },
    ];
  }
  if (name !== service) return [];
  return ((manifest as Endpoints).subsets ?? []).map(({ addresses = [], notReadyAddresses = [], ports }) => {
    const those = (all: typeof addresses) => all.flatMap((one) => (isPod(one) ? [] : [one.ip]));
    return {
      object,
      addresses: those(addresses),
      unready: those(notReadyAddresses),
      listsPods: [...addresses, ...notReadyAddresses].some(isPod),
      ports: ports ?? [],
    };
  });
}

function isPod({ targetRef }: { readonly targetRef?: { readonly kind?: string } }): boolean {
  return targetRef?.kind === 'Pod';
}
