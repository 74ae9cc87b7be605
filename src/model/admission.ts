import { isIP } from 'net';

/** Why Istio's validating webhook rejects an object of a kind of egress, although its types are right. */
export function webhookProblem(kind: string, spec: any): string | undefined {
  if (kind === 'ServiceEntry') {
    const wildcard = (spec.hosts ?? []).find((host: string) => host.includes('*'));
    if (/^DNS(_ROUND_ROBIN)?$/.test(spec.resolution ?? '') && !spec.endpoints?.length && wildcard !== undefined)
      return `spec.hosts: "${wildcard}" has no address of its own, which resolution ${spec.resolution} needs without endpoints`;
    const nameless = (spec.ports ?? []).findIndex((port: any) => !port?.name);
    return nameless < 0 ? undefined : `spec.ports[${nameless}].name: is missing`;
  }
  if (kind === 'DestinationRule') {
    for (const [at, port] of (spec.trafficPolicy?.portLevelSettings ?? []).entries()) {
      const field = `spec.trafficPolicy.portLevelSettings[${at}]`;
      if (!port?.port) return `${field}.port: is missing`;
      if (!port.tls && !port.loadBalancer && !port.connectionPool && !port.outlierDetection)
        return `${field}: sets nothing`;
    }
  }
  if (kind === 'VirtualService') {
    for (const section of ['http', 'tls', 'tcp'])
      for (const [index, one] of (spec[section] ?? []).entries())
        for (const [at, route] of (one?.route ?? []).entries())
          if (isIP(route?.destination?.host ?? '') !== 0)
            return (
              `spec.${section}[${index}].route[${at}].destination.host: ${route.destination.host} is an address, not ` +
              'the name of a service'
            );
  }
  return undefined;
}
