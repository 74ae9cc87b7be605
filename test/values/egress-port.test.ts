import { EgressPort, EgressProtocol } from '../../src/values/egress-port';
import { errorOf } from '../support/app';

test.each([
  [EgressPort.http(), 80, EgressProtocol.HTTP, 'http-80', true],
  [EgressPort.http(8080), 8080, EgressProtocol.HTTP, 'http-8080', true],
  [EgressPort.http2(), 80, EgressProtocol.HTTP2, 'http2-80', true],
  [EgressPort.http2(8081), 8081, EgressProtocol.HTTP2, 'http2-8081', true],
  [EgressPort.grpc(50051), 50051, EgressProtocol.GRPC, 'grpc-50051', true],
  [EgressPort.tls(), 443, EgressProtocol.TLS, 'tls-443', false],
  [EgressPort.tls(8443), 8443, EgressProtocol.TLS, 'tls-8443', false],
  [EgressPort.tcp(5432), 5432, EgressProtocol.TCP, 'tcp-5432', false],
])(
  '%# a port knows its number, its protocol, its name, and whether the mesh reads requests on it',
  (port, number, protocol, name, isHttp) => {
    expect({ number: port.number, protocol: port.protocol, name: port.name, isHttp: port.isHttp }).toEqual({
      number,
      protocol,
      name,
      isHttp,
    });
  },
);

test.each([
  [() => EgressPort.http(0), 'EgressPort.http(0): 0 is not a port number: ports are whole numbers from 1 to 65535'],
  [() => EgressPort.tcp(65536), 'EgressPort.tcp(65536): 65536 is not a port number'],
  [() => EgressPort.grpc(undefined as any), 'EgressPort.grpc(undefined): undefined is not a port number'],
])('%# a number that is not a port is refused', (attempt, part) => {
  expect(errorOf(attempt)).toContain(part);
});

test.each([15000, 15001, 15002, 15004, 15006, 15008, 15009, 15020, 15021, 15053, 15090])(
  '%d belongs to the sidecar',
  (number) => {
    for (const make of [EgressPort.http, EgressPort.tls, EgressPort.tcp]) {
      const message = errorOf(() => make(number));
      for (const part of [`(${number}): the sidecar itself listens on port ${number}`, 'another port', 'DirectEgress'])
        expect(message).toContain(part);
    }
  },
);

test.each([15003, 14999, 15091])('%d does not', (number) => {
  expect(EgressPort.http(number).number).toBe(number);
});

test.each([EgressPort.http, EgressPort.http2, EgressPort.grpc])(
  '%# plain requests on 443 are refused, and what to write instead is said',
  (make) => {
    const message = errorOf(() => make(443));
    for (const part of [
      '(443): clients speak TLS on port 443',
      'reaches nothing',
      'EgressPort.tls(443)',
      'EgressPort.http(80) and a TlsOrigination',
    ])
      expect(message).toContain(part);
  },
);
