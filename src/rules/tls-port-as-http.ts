import { exampleEntry, TLS_PORT } from './_examples';
import { Rule } from './rule';
import { isHttp } from '../istio/protocols';
import { describe } from '../manifests/indexed';
import { originatesOn } from '../manifests/tls';

export const tlsPortAsHttp: Rule = {
  code: 'tls-port-as-http',
  severity: 'error',
  title: 'Port 443 declared as plain HTTP',
  reason:
    'Clients speak TLS on port 443. TLS on a port declared HTTP never matches the entry, and is refused under ' +
    'REGISTRY_ONLY. It is a warning where a DestinationRule originates TLS on the port: plain HTTP sent there works.',
  cure: 'Declare the port as TLS; to have plain HTTP sent as TLS, declare port 80 and originate TLS.',
  see: 'https://github.com/istio/istio/issues/16458',
  good: exampleEntry(TLS_PORT),
  bad: exampleEntry('{ number: 443, name: http, protocol: HTTP }'),
  *check(index) {
    const found = index.ports.filter(({ port: { number, protocol } }) => number === 443 && isHttp(protocol));
    for (const { entry, port, position } of found) {
      const hosts: readonly string[] = entry.spec.hosts ?? [];
      // What a proxy sends there may be HTTP; what applications send there is TLS all the same.
      const isOriginated = hosts.some((host) => index.rulesFor(host).some((rule) => originatesOn(rule, 443)));
      yield {
        message: `${describe(entry)} declares port 443 of ${hosts.join(', ')} as ${port.protocol}.`,
        field: `spec.ports[${position}].protocol`,
        objects: [entry],
        severity: isOriginated ? 'warning' : 'error',
      };
    }
  },
};
