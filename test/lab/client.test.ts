import { Socket } from 'net';
import { issuerOf } from '../mesh/lab/client';

test('the issuer is that of the certificate, and a socket that is gone has none', () => {
  const socket = (certificate: unknown) => ({ getPeerCertificate: () => certificate }) as unknown as Socket;
  expect(issuerOf(socket({ issuer: { CN: 'lab' } }))).toBe('lab');
  expect(issuerOf(socket(null))).toBeUndefined();
  expect(issuerOf(undefined)).toBeUndefined();
});
