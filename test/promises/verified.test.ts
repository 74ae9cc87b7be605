import { admitted, forAll, manifestsFor, TeamPlan } from './plans';

function tlsBlocks(node: any): any[] {
  if (node === null || typeof node !== 'object') return [];
  return Object.entries<any>(node).flatMap(([key, value]) => [
    ...(key === 'tls' && value.mode ? [value] : []),
    ...tlsBlocks(value),
  ]);
}

const originating = (plans: TeamPlan[]) =>
  manifestsFor(plans)
    .filter(({ kind }) => kind === 'DestinationRule')
    .flatMap(tlsBlocks);

test('wherever a server is asked for by name, the name in its certificate is verified', () => {
  let seen = 0;
  forAll((plans) => {
    for (const tls of originating(plans)) {
      seen++;
      expect(tls.sni).toMatch(/\./);
      expect(tls.subjectAltNames).not.toHaveLength(0);
      expect(tls.insecureSkipVerify).toBeUndefined();
    }
  });
  expect(seen).toBeGreaterThan(40);
});

test('TLS to the outside says who vouches for the certificate; the hop is mutual TLS of the mesh', () => {
  forAll((plans) => {
    for (const tls of originating(plans)) {
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

test('every server of the gateway lets in named callers only, by itself or by the policy for its name', () => {
  let servers = 0;
  forAll((plans) => {
    const allowed = new Set(
      plans.flatMap(({ namespace, egresses }) =>
        egresses.flatMap((egress) =>
          admitted(egress).map((caller) => `spiffe://cluster.local/ns/${namespace}/sa/${caller}`),
        ),
      ),
    );
    const manifests = manifestsFor(plans);
    const refused = new Map<string, string[]>(
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
          const [, principals] = [...refused].find(([ending]) => hosts[0].endsWith(ending))!;
          expect(plans.map(({ namespace }) => `cluster.local/ns/${namespace}/sa/*`)).toContain(principals[0]);
          expect(principals).toHaveLength(1);
        }
      }
    }
  });
  expect(servers).toBeGreaterThan(40);
});
