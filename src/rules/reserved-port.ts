import { exampleEntry } from './_examples';
import { Rule } from './rule';
import { PORTS_WITHOUT_LISTENER } from '../istio/ports';
import { isHttp, isUdp, Port } from '../istio/protocols';
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
    for (const { entry, port, position } of index.ports.filter(
      (one) => isReserved(one.port) || isUdp(one.port.protocol),
    ))
      yield {
        message:
          `${describe(entry)} declares ` +
          (isReserved(port)
            ? `${port.protocol} on port ${port.number}, which every sidecar uses itself; Istio skips the port.`
            : `UDP port ${port.number}; Istio accepts and ignores it.`),
        field: `spec.ports[${position}]`,
        objects: [entry],
        severity: isReserved(port) ? 'error' : 'warning',
      };
  },
};

function isReserved({ number, protocol }: Port): boolean {
  return PORTS_WITHOUT_LISTENER.has(number) && isHttp(protocol);
}
