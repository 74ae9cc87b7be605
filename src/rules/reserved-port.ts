import { exampleEntry } from './_examples';
import { Rule } from './rule';
import { PORTS_WITHOUT_LISTENER } from '../istio/ports';
import { isHttp, isUdp, portsOf } from '../istio/protocols';
import { describe } from '../manifests/indexed';

const PORTS = [...PORTS_WITHOUT_LISTENER].join(', ').replace(/, (?=\d+$)/, ' and ');

export const reservedPort: Rule = {
  code: 'reserved-port',
  severity: 'error',
  title: 'A ServiceEntry port for which sidecars get no listener',
  reason:
    `Sidecars use ports ${PORTS} themselves, and Istio skips an HTTP entry there. It accepts a ` +
    'UDP port and ignores it (a warning: UDP leaves the pod as if there were no entry).',
  cure: 'Use another port number; leave out a UDP port, as UDP never passes the sidecar.',
  see: 'https://istio.io/latest/docs/ops/deployment/application-requirements/#ports-used-by-istio',
  good: exampleEntry('{ number: 15080, name: http, protocol: HTTP }'),
  bad: exampleEntry('{ number: 15021, name: http, protocol: HTTP }'),
  *check(index) {
    for (const entry of index.ofKind('ServiceEntry')) {
      for (const [position, port] of portsOf(entry).entries()) {
        const field = `spec.ports[${position}]`;
        if (PORTS_WITHOUT_LISTENER.has(port.number) && isHttp(port.protocol)) {
          yield {
            message:
              `${describe(entry)} declares ${port.protocol} on port ${port.number}, which every sidecar uses ` +
              'itself; Istio skips the port.',
            field,
            objects: [entry],
          };
        } else if (isUdp(port.protocol)) {
          yield {
            message: `${describe(entry)} declares UDP port ${port.number}; Istio accepts and ignores it.`,
            field,
            objects: [entry],
            severity: 'warning',
          };
        }
      }
    }
  },
};
