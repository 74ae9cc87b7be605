import { istioObject } from './_examples';
import { Rule } from './rule';
import { covers, isWildcard } from '../istio/hosts';
import { describe, describeAll, Indexed, IstioObject, joinWords, ordered } from '../manifests/indexed';
import { fullGateway, Section, SECTIONS } from '../manifests/routes';
import { sectionOf } from '../manifests/servers';
import { Server } from '../manifests/specs';
import { isSeenFrom } from '../manifests/visibility';

const example = (host: string) => `
${istioObject('Gateway', 'egress/exit')}
spec:
  selector: { istio: exit }
  servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: [${host}] }]
---
${istioObject('VirtualService', 'shop/a')}
spec:
  hosts: [api.example.com]
  exportTo: ["*"]
  gateways: [egress/exit]
  http: [{ route: [{ destination: { host: api.example.com } }] }]
`;

export const gatewayNotBound: Rule = {
  code: 'gateway-not-bound',
  severity: 'error',
  title: 'A VirtualService that does not bind to the Gateway it names',
  reason:
    'A Gateway in another namespace must be named `<namespace>/<name>`. One of its servers must admit the namespace ' +
    'and a host of the VirtualService and read its kind of route, and the VirtualService must be visible to the ' +
    "gateway's pods. Otherwise they answer 404 or close the connection (IST0132).",
  cure:
    'Name the Gateway with its namespace, list the host in one of its servers, and export the VirtualService to ' +
    "the gateway's namespace.",
  see: 'https://istio.io/latest/docs/reference/config/analysis/ist0132/',
  good: example('shop/api.example.com'),
  bad: example('"./api.example.com"'),
  *check(index) {
    const gateways = index.gatewaysByName;
    if (gateways.size === 0) return;
    // The usual case: a server of each Gateway, in the same namespace, admits a host and reads the routes.
    const isBound = (virtualService: IstioObject<'VirtualService'>) => {
      const names: readonly string[] = virtualService.spec.gateways ?? [];
      for (let position = 0; position < names.length; position++) {
        if (names[position] === 'mesh') continue;
        const gateway = gateways.get(fullGateway(names[position], virtualService.namespace));
        if (gateway?.namespace !== virtualService.namespace || !isServed(virtualService, gateway)) return false;
      }
      return true;
    };
    for (const virtualService of index.ofKind('VirtualService').filter((one) => !isBound(one))) {
      const names: readonly string[] = virtualService.spec.gateways!;
      for (let position = 0; position < names.length; position++) {
        const written = names[position];
        if (written === 'mesh') continue;
        const field = `spec.gateways[${position}]`;
        const gateway = gateways.get(fullGateway(written, virtualService.namespace));
        if (!gateway) {
          // A name with a namespace may be that of a Gateway that is not among the manifests. Objects whose namespace
          // is not written may be applied to the same one.
          const others =
            !written.includes('/') && isPlaced(virtualService)
              ? ordered([...gateways.values()].filter((one) => one.name === written && isPlaced(one)))
              : [];
          if (others.length === 0) continue;
          yield {
            message:
              `${describe(virtualService)} names the gateway "${written}", which Istio looks for in namespace ` +
              `${virtualService.namespace}. It is not there; there is ${describeAll(others)}.`,
            field,
            objects: [virtualService, ...others],
          };
          continue;
        }
        const servers = admitting(gateway, virtualService);
        if (servers.length === 0) {
          yield {
            message:
              `${describe(virtualService)} names ${describe(gateway)}, but none of its servers admits ` +
              `${(virtualService.spec.hosts ?? []).join(', ')} from namespace ${virtualService.namespace}.`,
            field,
            objects: [virtualService, gateway],
          };
        } else if (!servers.some((server) => hasRoutes(virtualService, sectionOf(server)))) {
          const sections = SECTIONS.filter((section) => hasRoutes(virtualService, section));
          yield {
            message:
              `${describe(virtualService)} has ${joinWords(sections) || 'no'} routes, but the servers of ` +
              `${describe(gateway)} for its hosts read only ${joinWords([...new Set(servers.map(sectionOf))])}.`,
            field,
            objects: [virtualService, gateway],
            cure:
              'Write the kind of route that the server reads: http for HTTP and for HTTPS that the gateway ' +
              'terminates, tls for PASSTHROUGH, tcp for TCP and for TLS that the gateway terminates.',
          };
        } else if (
          virtualService.namespace !== gateway.namespace &&
          !isSeenFrom(virtualService, gateway.namespace) &&
          index.hasGatewayPods(gateway.namespace)
        ) {
          yield {
            message:
              `${describe(virtualService)} names ${describe(gateway)}, but is not exported to namespace ` +
              `${gateway.namespace}, where the gateway's pods are.`,
            field,
            objects: [virtualService, gateway],
          };
        }
      }
    }
  },
};

function isServed(virtualService: IstioObject<'VirtualService'>, gateway: IstioObject<'Gateway'>): boolean {
  for (const server of gateway.spec.servers ?? [])
    if (admits(server, gateway, virtualService) && hasRoutes(virtualService, sectionOf(server))) return true;
  return false;
}

function isPlaced({ manifest }: Indexed): boolean {
  return typeof manifest.metadata.namespace === 'string';
}

/** The servers that admit the VirtualService; none if it does not bind. */
function admitting(gateway: IstioObject<'Gateway'>, virtualService: IstioObject<'VirtualService'>): Server[] {
  return (gateway.spec.servers ?? []).filter((server) => admits(server, gateway, virtualService));
}

function admits(
  server: Server,
  gateway: IstioObject<'Gateway'>,
  virtualService: IstioObject<'VirtualService'>,
): boolean {
  const hosts: readonly string[] = virtualService.spec.hosts ?? [];
  for (const written of server.hosts ?? []) {
    const slash = written.indexOf('/');
    if (slash >= 0 && !isPlace(written, slash, gateway, virtualService.namespace)) continue;
    for (const own of hosts) {
      // The usual case, without slicing the string, which is the slowest step here.
      if (written.length - slash - 1 === own.length && written.endsWith(own)) return true;
      if (isWildcard(own) || written[slash + 1] === '*') {
        const host = written.slice(slash + 1);
        if (covers(host, own) || covers(own, host)) return true;
      }
    }
  }
  return false;
}

function isPlace(written: string, slash: number, gateway: Indexed, namespace: string): boolean {
  if (slash === namespace.length && written.startsWith(namespace)) return true;
  const place = written.slice(0, slash);
  return place === '*' || (place === '.' && gateway.namespace === namespace);
}

function hasRoutes({ spec }: IstioObject<'VirtualService'>, section: Section): boolean {
  return (spec[section]?.length ?? 0) > 0;
}
