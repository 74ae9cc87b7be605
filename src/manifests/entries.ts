import { IstioObject } from './indexed';

/** Whether a ServiceEntry declares external hosts, as it does unless it says otherwise. */
export function isExternal({ spec }: IstioObject<'ServiceEntry'>): boolean {
  return spec.location !== 'MESH_INTERNAL';
}

/** Whether an entry declares its hosts without a place to reach them at, so that only routes lead anywhere. */
export function isClosed({ spec }: IstioObject<'ServiceEntry'>): boolean {
  return spec.resolution === 'STATIC' && !spec.endpoints?.length && !spec.workloadSelector;
}

/** Whether an entry says where its hosts are: one with resolution STATIC and no endpoints leads nowhere. */
export function leadsSomewhere({ spec }: IstioObject<'ServiceEntry'>): boolean {
  return spec.resolution !== 'STATIC' || !!spec.endpoints?.length;
}
