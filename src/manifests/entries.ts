import { IstioObject } from './indexed';

/** Whether a ServiceEntry declares external hosts, as it does unless it says otherwise. */
export function isExternal({ spec }: IstioObject<'ServiceEntry'>): boolean {
  return spec.location !== 'MESH_INTERNAL';
}
