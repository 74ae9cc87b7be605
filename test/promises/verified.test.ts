import { forAll, manifestsFor, TeamPlan } from './plans';

function tlsBlocks(node: any): any[] {
  if (node === null || typeof node !== 'object') return [];
  return Object.entries<any>(node).flatMap(([key, value]) => [...(key === 'tls' && value.mode ? [value] : []), ...tlsBlocks(value)]);
}

const originating = (plans: TeamPlan[]) => manifestsFor(plans).filter(({ kind }) => kind === 'DestinationRule').flatMap(tlsBlocks);

test('wherever a server is asked for by name, the name in its certificate is verified', () => {
  let seen = 0;
  forAll(plans => {
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
  forAll(plans => {
    for (const tls of originating(plans)) {
      expect(tls.mode === 'ISTIO_MUTUAL' || tls.caCertificates !== undefined || tls.credentialName !== undefined).toBe(true);
      if (tls.sni.endsWith('.egress.internal')) expect(tls).toMatchObject({ mode: 'ISTIO_MUTUAL', subjectAltNames: ['spiffe://cluster.local/ns/egress/sa/istio-egressgateway'] });
      else expect(['SIMPLE', 'MUTUAL']).toContain(tls.mode);
    }
  });
});

test('every server of the gateway lets in named callers only', () => {
  let seen = 0;
  forAll(plans => {
    const allowed = new Set(plans.flatMap(({ namespace, egresses }) => egresses.flatMap(({ callers }) => callers.map(caller => `spiffe://cluster.local/ns/${namespace}/sa/${caller}`))));
    for (const { spec } of manifestsFor(plans).filter(({ kind }) => kind === 'Gateway')) {
      for (const { tls } of spec.servers) {
        seen++;
        expect(tls.mode).toBe('ISTIO_MUTUAL');
        expect(tls.subjectAltNames).not.toHaveLength(0);
        for (const name of tls.subjectAltNames) expect(allowed).toContain(name);
      }
    }
  });
  expect(seen).toBeGreaterThan(40);
});
