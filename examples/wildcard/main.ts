import { App, Chart } from 'cdk8s';
import { EgressPort, SidecarEgress } from 'cdk8s-istio-egress';

const app = new App();
app.node.setContext('istioVersion', '1.30'); // wildcards are looked up by sidecars since then

const team = new Chart(app, 'shop', { namespace: 'shop' });

// Every name below tenants.example.com, by HTTP and by the application's own TLS.
new SidecarEgress(team, 'tenants', { hosts: ['*.tenants.example.com'] });

// A host with a name of its own beside it.
new SidecarEgress(team, 'site', { hosts: ['www.example.org'], ports: [EgressPort.http(), EgressPort.tls()] });

app.synth();
