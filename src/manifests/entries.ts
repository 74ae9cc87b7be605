import { IstioObject } from './indexed';

/** Whether a ServiceEntry declares external hosts, as it does unless it says otherwise. */
export function isExternal({ spec }: IstioObject<'ServiceEntry'>): boolean {
  return spec.location !== 'MESH_INTERNAL';
}

/** Whether an entry declares its hosts without a place to reach them at, so that only routes lead anywhere. */
export function isClosed(entry: IstioObject<'ServiceEntry'>): boolean {
  return entry.spec.resolution === 'STATIC' && !givesEndpoints(entry);
}

/** Whether an entry gives endpoints, which all that has its host in its namespace then shares. */
export function givesEndpoints({ spec: { endpoints, workloadSelector } }: IstioObject<'ServiceEntry'>): boolean {
  return !!endpoints?.length || !!workloadSelector;
}
