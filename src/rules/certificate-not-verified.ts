import { istioObject } from './_examples';
import { Rule } from './rule';
import { describe } from '../manifests/indexed';
import { TlsSettings } from '../manifests/specs';
import { tlsField } from '../manifests/tls';

const example = (verification: string) => `
${istioObject('DestinationRule', 'shop/a')}
spec:
  host: api.example.com
  exportTo: ["."]
  trafficPolicy: { tls: { mode: SIMPLE, sni: api.example.com, ${verification} } }
`;

export const certificateNotVerified: Rule = {
  code: 'certificate-not-verified',
  severity: 'error',
  title: 'TLS to an external host, or a server for mutual TLS, that verifies no certificate',
  reason:
    'With `insecureSkipVerify` a proxy that originates TLS accepts any certificate, of anybody, for any name; a ' +
    'server of a Gateway lets in callers with any certificate, and the identity in it proves nothing.',
  cure: 'Remove insecureSkipVerify, and give the authorities and names that are to be trusted.',
  see: 'https://istio.io/latest/docs/reference/config/networking/destination-rule/#ClientTLSSettings',
  good: example('subjectAltNames: [api.example.com]'),
  bad: example('insecureSkipVerify: true'),
  *check(index) {
    for (const [rule, blocks] of index.clientTls) {
      if (!blocks.some(skips)) continue;
      yield {
        message: `${describe(rule)} accepts any certificate from ${rule.spec.host}.`,
        field: `${tlsField(rule, skips)}.insecureSkipVerify`,
        objects: [rule],
      };
    }
    for (const { gateway, server, position } of index.servers.filter((one) => one.server.tls?.insecureSkipVerify)) {
      yield {
        message: `${describe(gateway)} lets in any certificate at its server for ${(server.hosts ?? []).join(', ')}.`,
        field: `spec.servers[${position}].tls.insecureSkipVerify`,
        objects: [gateway],
      };
    }
  },
};

function skips(tls: TlsSettings): boolean {
  return tls.insecureSkipVerify === true && tls.mode !== 'ISTIO_MUTUAL';
}
