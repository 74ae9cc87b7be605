import { gateway, istio, reported } from './support';

const rule = (tls: object) =>
  istio('DestinationRule', 'shop/a', { host: 'api.example.com', trafficPolicy: { tls: { mode: 'SIMPLE', ...tls } } });

test.each([true, false])('insecureSkipVerify: %s at the caller', (insecureSkipVerify) => {
  expect(reported('certificate-not-verified', [rule({ insecureSkipVerify })])).toEqual(
    insecureSkipVerify ? ['shop/a'] : [],
  );
});

test('inside the mesh the setting has no effect', () => {
  expect(reported('certificate-not-verified', [rule({ mode: 'ISTIO_MUTUAL', insecureSkipVerify: true })])).toEqual([]);
});

test('a server of a Gateway lets in anybody', () => {
  const tls = { mode: 'MUTUAL', credentialName: 'a', insecureSkipVerify: true };
  expect(reported('certificate-not-verified', [gateway('egress/a', ['a.example.com'], { tls })])).toEqual(['egress/a']);
});
