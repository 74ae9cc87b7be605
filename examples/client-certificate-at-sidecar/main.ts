import { ApiObject, App, Chart } from 'cdk8s';
import { Caller, ClientCertificate, RegistryOnlyMesh, SidecarEgress, TlsOrigination } from 'cdk8s-istio-egress';

const app = new App();

new RegistryOnlyMesh(new Chart(app, 'platform', { namespace: 'istio-system' }), 'lock');

const team = new Chart(app, 'shop', { namespace: 'shop' });
const workload = (name: string) =>
  new ApiObject(team, name, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { serviceAccountName: name, containers: [{ name, image: `registry.example.com/${name}:1` }] },
      },
    },
  });
const checkout = workload('checkout');
const ledger = workload('ledger');

// No gateway: the sidecars call the partner directly, and two workloads have a certificate each.
const partner = new SidecarEgress(team, 'partner', { hosts: ['api.partner.com'] });
new TlsOrigination(team, 'checkout-tls', {
  egress: partner,
  callers: [Caller.workload(checkout)],
  clientCertificate: ClientCertificate.fromSecret('checkout-client'),
});
new TlsOrigination(team, 'ledger-tls', {
  egress: partner,
  callers: [Caller.workload(ledger)],
  clientCertificate: ClientCertificate.fromSecret('ledger-client'),
});

app.synth();
