import { Caller } from '../../src/values/caller';
import { CertificateAuthority } from '../../src/values/certificate-authority';
import { ClientCertificate } from '../../src/values/client-certificate';
import { errorOf } from '../support/app';

test('a caller has the identity that its certificate carries', () => {
  const caller = Caller.serviceAccount('payments', 'checkout.v2');
  expect([caller.namespace, caller.serviceAccountName]).toEqual(['payments', 'checkout.v2']);
  expect(caller.spiffeId('example.org')).toBe('spiffe://example.org/ns/payments/sa/checkout.v2');
});

test('both parts of a caller are checked, in one error', () => {
  const message = errorOf(() => Caller.serviceAccount('pay.ments', '*'));
  for (const part of [
    'Caller.serviceAccount: 2 problems:',
    'namespace: "pay.ments" is not a valid namespace',
    'name: "*" is a pattern',
  ])
    expect(message).toContain(part);
});

test('callers are no patterns', () => {
  const message = 'is a pattern, and callers are named one by one; for all service accounts of a namespace write ';
  expect(errorOf(() => Caller.serviceAccount('payments', '*'))).toContain(`name: "*" ${message}`);
  for (const name of ['*', 'team-*'])
    for (const of of [() => Caller.serviceAccount(name, 'checkout'), () => Caller.wholeNamespace(name)])
      expect(errorOf(of)).toContain(`namespace: "${name}" ${message}`);
});

test('certificates come from a Secret or from files', () => {
  expect({ ...ClientCertificate.fromSecret('partner') }).toEqual({ secretName: 'partner' });
  expect({ ...ClientCertificate.fromFiles('/etc/certs/tls.crt', '/etc/certs/tls.key') }).toEqual({
    certificatePath: '/etc/certs/tls.crt',
    privateKeyPath: '/etc/certs/tls.key',
  });
  expect(errorOf(() => ClientCertificate.fromSecret('Partner'))).toContain(
    'ClientCertificate.fromSecret: name: "Partner" is not a valid Secret',
  );
  expect(errorOf(() => ClientCertificate.fromSecret('other/partner'))).toBe(
    'ClientCertificate.fromSecret: name: "other/partner" contains a namespace, but a Secret is only read from ' +
      "the namespace where TLS is originated: the gateway's, or the callers' for a SidecarEgress. " +
      'Put it there and write "partner"',
  );
  expect(errorOf(() => ClientCertificate.fromSecret('other/Partner'))).toContain(
    '"Partner" is not a valid Secret name',
  );
});

test('a path must be absolute; both problems are in one error', () => {
  const message = errorOf(() => ClientCertificate.fromFiles('certs/tls.crt', ''));
  for (const part of [
    'ClientCertificate.fromFiles: 2 problems:',
    'certificatePath: "certs/tls.crt" is not the absolute path of a file; write the path inside the proxy\'s ' +
      'container, such as "/etc/certs/tls.crt"',
    'privateKeyPath: "" is not the absolute path of a file',
  ])
    expect(message).toContain(part);
});

test('authorities come from the image, a file or a ConfigMap', () => {
  expect({ ...CertificateAuthority.system() }).toEqual({ path: 'system' });
  expect({ ...CertificateAuthority.fromFile('/etc/certs/ca.pem') }).toEqual({ path: '/etc/certs/ca.pem' });
  expect({ ...CertificateAuthority.fromConfigMap('partner-ca') }).toEqual({ configMapName: 'partner-ca' });
});

test.each([
  [
    () => CertificateAuthority.fromFile('ca.pem'),
    'CertificateAuthority.fromFile: path: "ca.pem" is not the absolute path of a file; write the path inside the ' +
      'proxy\'s container, such as "/etc/certs/ca.pem"',
  ],
  [() => CertificateAuthority.fromFile('system'), 'such as "/etc/certs/system"'],
  [() => CertificateAuthority.fromFile('/etc/certs/'), '"/etc/certs/" is not the absolute path of a file'],
  [
    () => CertificateAuthority.fromFile('/etc/a~b.pem'),
    '"/etc/a~b.pem" contains a "~", at which Istio takes paths apart',
  ],
  [() => CertificateAuthority.fromFile('/etc/a\0.pem'), 'or a control character'],
  [() => CertificateAuthority.fromFile('/dev/zero'), '"/dev/zero" is not a certificate file'],
  [() => CertificateAuthority.fromFile('/etc/../dev/zero'), '"/etc/../dev/zero" is not a certificate file'],
  [() => CertificateAuthority.fromFile(undefined as any), 'undefined is not the absolute path of a file'],
  [
    () => CertificateAuthority.fromConfigMap('configmap://a/b'),
    'CertificateAuthority.fromConfigMap: name: "configmap://a/b" is not a valid ConfigMap',
  ],
])('%# authorities that cannot be read are refused', (attempt, part) => {
  expect(errorOf(attempt)).toContain(part);
});
