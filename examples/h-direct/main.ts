import { ApiObject, App, Chart } from 'cdk8s';
import { DirectEgress, RegistryOnlyMesh } from 'cdk8s-istio-egress';

const app = new App();

const platform = new Chart(app, 'platform', { namespace: 'istio-system' });
new RegistryOnlyMesh(platform, 'lock');

const team = new Chart(app, 'shop', { namespace: 'shop' });
const legacy = new ApiObject(team, 'legacy', {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'legacy' },
  spec: {
    selector: { matchLabels: { app: 'legacy' } },
    template: {
      metadata: { labels: { app: 'legacy' } },
      spec: { serviceAccountName: 'legacy', containers: [{ name: 'legacy', image: 'registry.example.com/legacy:1' }] },
    },
  },
});

// One address, for one workload, past the sidecar. The policy still applies to everything else that this pod calls.
new DirectEgress(team, 'mainframe', {
  workloads: [legacy],
  toCidrs: ['203.0.113.40/32'],
  reason: 'the mainframe link speaks a protocol that no proxy understands',
});

app.synth();
