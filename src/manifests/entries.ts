import { IstioObject } from './indexed';
import { ALLOCATE_ADDRESSES } from '../istio/hosts';

/** Whether a ServiceEntry declares external hosts, as it does unless it says otherwise. */
export function isExternal({ spec }: IstioObject<'ServiceEntry'>): boolean {
  return spec.location !== 'MESH_INTERNAL';
}

/** Whether an entry declares its hosts without a place to reach them at, so that only routes lead anywhere. */
export function isClosed(entry: IstioObject<'ServiceEntry'>): boolean {
  return entry.spec.resolution === 'STATIC' && !givesEndpoints(entry);
}

/** Whether istiod gives the hosts of an entry addresses if it has none, with which sidecars with DNS capture answer. */
export function allocatesAddresses({ spec, manifest }: IstioObject<'ServiceEntry'>): boolean {
  return (
    (spec.resolution ?? 'NONE') !== 'NONE' &&
    String(manifest.metadata.labels?.[ALLOCATE_ADDRESSES]).toLowerCase() !== 'false'
  );
}

/** Whether an entry gives endpoints, which all that has its host in its namespace then shares. */
export function givesEndpoints({ spec: { endpoints, workloadSelector } }: IstioObject<'ServiceEntry'>): boolean {
  return !!endpoints?.length || !!workloadSelector;
}
