import { admittedAccounts, forAll, manifestsFor, TeamPlan } from './plans';

function tlsBlocks(node: any): any[] {
  if (node === null || typeof node !== 'object') return [];
  return Object.entries<any>(node).flatMap(([key, value]) => [
    ...(key === 'tls' && value.mode ? [value] : []),
    ...tlsBlocks(value),
  ]);
}

const tlsBlocksFor = (plans: TeamPlan[]) =>
  manifestsFor(plans)
    .filter(({ kind }) => kind === 'DestinationRule')
    .flatMap(tlsBlocks);

test('wherever SNI is sent, the name in the certificate is verified', () => {
  let seen = 0;
  forAll((plans) => {
    for (const tls of tlsBlocksFor(plans)) {
      seen++;
      expect(tls.sni).toMatch(/\./);
      expect(tls.subjectAltNames).not.toHaveLength(0);
      expect(tls.insecureSkipVerify).toBeUndefined();
    }
  });
  expect(seen).toBeGreaterThan(40);
});

test("TLS to an external host names a certificate authority; the hop uses the mesh's own mutual TLS", () => {
  forAll((plans) => {
    for (const tls of tlsBlocksFor(plans)) {
      expect(tls.mode === 'ISTIO_MUTUAL' || tls.caCertificates !== undefined || tls.credentialName !== undefined).toBe(
        true,
      );
      if (/\.egress(-checked)?\.internal$/.test(tls.sni))
        expect(tls).toMatchObject({
          mode: 'ISTIO_MUTUAL',
          subjectAltNames: ['spiffe://cluster.local/ns/egress/sa/istio-egressgateway'],
        });
      else expect(['SIMPLE', 'MUTUAL']).toContain(tls.mode);
    }
  });
});

test('every server of the gateway admits named callers only, by itself or by the policy for its name', () => {
  let servers = 0;
  forAll((plans) => {
    const allowed = new Set(
      plans.flatMap(({ namespace, egresses }) =>
        egresses.flatMap((egress) =>
          admittedAccounts(egress).map((caller) => `spiffe://cluster.local/ns/${namespace}/sa/${caller}`),
        ),
      ),
    );
    const manifests = manifestsFor(plans);
    const principalsBySuffix = new Map<string, string[]>(
      manifests
        .filter(({ kind }) => kind === 'AuthorizationPolicy')
        .map(({ spec }) => {
          const [{ from, when }] = spec.rules;
          expect([spec.action, from.length, when.length, when[0].key]).toEqual(['DENY', 1, 1, 'connection.sni']);
          return [when[0].values[0].slice(1), from[0].source.notPrincipals];
        }),
    );
    for (const { spec } of manifests.filter(({ kind }) => kind === 'Gateway')) {
      for (const { tls, hosts } of spec.servers) {
        servers++;
        expect(tls.mode).toBe('ISTIO_MUTUAL');
        if (tls.subjectAltNames) {
          expect(tls.subjectAltNames).not.toHaveLength(0);
          for (const name of tls.subjectAltNames) expect(allowed).toContain(name);
        } else {
          const [, principals] = [...principalsBySuffix].find(([suffix]) => hosts[0].endsWith(suffix))!;
          expect(plans.map(({ namespace }) => `cluster.local/ns/${namespace}/*`)).toContain(principals[0]);
          expect(principals).toHaveLength(1);
        }
      }
    }
  });
  expect(servers).toBeGreaterThan(40);
});
