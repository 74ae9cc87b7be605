import { findings, reported, route } from './support';

const code = 'match-gateway-not-listed';
const matching = (gateways: string[] | undefined, ...named: string[]) =>
  route('shop/v', {
    gateways,
    http: [{ match: [{ gateways: named }], route: [{ destination: { host: 'a.example.com' } }] }],
  });

test('a match can only narrow the list', () => {
  expect(reported(code, [matching(undefined, 'exit')])).toEqual(['shop/v']);
  expect(reported(code, [matching(['exit'], 'mesh')])).toEqual(['shop/v']);
  expect(reported(code, [matching(['exit'], 'other')])).toEqual(['shop/v']);
  expect(reported(code, [matching(undefined, 'mesh'), matching(['exit', 'mesh'], 'exit')])).toEqual([]);
});

test('a gateway of its own namespace may be named with or without it', () => {
  expect(reported(code, [matching(['shop/exit'], 'exit'), matching(['exit'], 'shop/exit')])).toEqual([]);
  expect(reported(code, [matching(['./exit'], 'exit'), matching(['exit'], './exit')])).toEqual([]);
  expect(reported(code, [matching(['egress/exit'], 'exit')])).toEqual(['shop/v']);
});

test('a delegate lists none: those of the VirtualService that delegates to it apply', () => {
  const http = [{ match: [{ gateways: ['egress/exit'] }], route: [{ destination: { host: 'a.example.com' } }] }];
  expect(reported(code, [route('shop/leaf', { hosts: undefined, http })])).toEqual([]);
});

test('one that names a listed gateway as well applies there', () => {
  expect(findings(code, [matching(['exit'], 'exit', 'mesh')])[0].message).toMatch(/mesh.*it does not apply there\.$/);
  expect(findings(code, [matching(['exit'], 'mesh')])[0].message).toMatch(/mesh.*it never applies\.$/);
});

test.each(['tls', 'tcp'])('in a %s route as well', (section) => {
  const spec = { http: undefined, [section]: [{ match: [{ port: 443, gateways: ['exit'] }], route: [] }] };
  const [{ field }] = findings(code, [route('shop/v', spec)]);
  expect(field).toBe(`spec.${section}[0].match[0].gateways`);
});
