import { IstioObject } from './indexed';
import { IstioSpecs } from './specs';
import { covers } from '../istio/hosts';

/** The egress listeners; without any, a Sidecar imports everything. */
export function importedHosts({ spec }: IstioObject<'Sidecar'>): IstioSpecs['Sidecar']['egress'] {
  return spec.egress?.length ? spec.egress : undefined;
}

/** Whether a Sidecar imports a host of a namespace, for workloads of another. */
export function imports(
  sidecar: IstioObject<'Sidecar'>,
  namespace: string,
  entryNamespace: string,
  host: string,
): boolean {
  const listeners = importedHosts(sidecar);
  if (!listeners) return true;
  // Listeners may be for one port; any that imports the host is enough.
  return listeners.some(({ hosts }) => {
    const items = (hosts ?? []).map((item) => item.split('/'));
    const matches = (place: string, pattern: string) =>
      (place === '*' || place === entryNamespace || (place === '.' && namespace === entryNamespace)) &&
      pattern !== undefined &&
      (pattern === '*' || covers(pattern, host));
    return (
      items.some(([place, pattern]: string[]) => !place.startsWith('~') && matches(place, pattern)) &&
      !items.some(([place, pattern]: string[]) => place.startsWith('~') && matches(place.slice(1) || '*', pattern))
    );
  });
}

/**
 * Whether an egress listener of a Sidecar names each host and its namespace. From Istio 1.31 on, istiod then looks up
 * one service for each, even where several ServiceEntries of the namespace declare the host.
 */
export function namesServices(hosts: readonly string[]): boolean {
  return hosts.every((host) => host.startsWith('~') || !(host.startsWith('*/') || host.includes('/*')));
}
